from __future__ import annotations

import pytest

from drivers.s3 import S3Settings


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"bucket": ""}, "bucket"),
        ({"region": ""}, "region"),
        ({"accesskey": "a"}, "secretkey"),
        ({"secretkey": "a"}, "accesskey"),
        ({"v4auth": False}, "v4auth"),
        ({"keyid": "k"}, "encrypt"),
        ({"chunksize": 5 * (1 << 20) - 1}, "chunksize"),
        ({"multipartcopychunksize": 1}, "multipartcopychunksize"),
        ({"multipartcopythresholdsize": 6 << 30}, "multipartcopythresholdsize"),
        ({"multipartcopymaxconcurrency": 0}, "multipartcopymaxconcurrency"),
        ({"objectacl": "everybody"}, "objectacl"),
        ({"redirectendpoint": "https://host/path"}, "redirectendpoint"),
        ({"redirectendpoint": "host"}, "redirectendpoint"),
        ({"redirectexpiry": 0}, "redirectexpiry"),
        ({"buffer": 1 << 20}, "buffer"),
        ({"pool": 0}, "pool"),
        ({"requesttimeout": 0}, "timeouts"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_with_its_name(changed, about):
    with pytest.raises(ValueError, match=about):
        S3Settings(**{"bucket": "b", "region": "r", **changed})


def test_secrets_are_not_shown():
    shown = repr(S3Settings("b", "r", accesskey="a", secretkey="hidden-1", sessiontoken="hidden-2"))
    assert "hidden" not in shown
