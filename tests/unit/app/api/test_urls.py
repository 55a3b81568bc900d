import pytest
from multidict import CIMultiDict

from app.api.settings import ApiSettings
from app.api.urls import Locations, origin
from app.oci.digest import Digest
from app.oci.reference import RepositoryName

NAME, DIGEST = RepositoryName.parse("a/b"), Digest.of(b"")


def located(settings=None, *, secure=False, **headers):
    pairs = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return (
        Locations(settings or ApiSettings(), pairs, secure=secure)
        .blob(NAME, DIGEST)
        .removesuffix(f"/v2/a/b/blobs/{DIGEST}")
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "r:5000"}, "http://r:5000"),
        ({"Host": "[::1]:5000"}, "http://[::1]:5000"),
        ({"Host": "my_registry:5000"}, "http://my_registry:5000"),
        ({"Host": "in", "X-Forwarded-Proto": "https"}, "https://in"),
        ({"Host": "in", "X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "out:8443, in"}, "https://out:8443"),
        ({"Host": "in", "Forwarded": "for=1.2.3.4;proto=https;host=out"}, "https://out"),
        (
            {"Host": "in", "Forwarded": 'host="out:99";proto=https, host=evil', "X-Forwarded-Host": "other"},
            "https://out:99",
        ),
        ({"Host": "in", "Forwarded": "for=1.2.3.4", "X-Forwarded-Proto": "https"}, "https://in"),
        ({"Host": "in", "Forwarded": "Proto=HTTPS"}, "https://in"),
        ({"Host": "in", "X-Forwarded-Proto": "gopher"}, "http://in"),
        ({}, ""),
        ({"Host": "a b"}, ""),
        ({"Host": "in", "X-Forwarded-Host": "evil/path"}, ""),
        ({"Host": "in", "X-Forwarded-Host": "user@evil"}, ""),
        ({"Host": "in", "X-Forwarded-Host": "evil\\"}, ""),
        ({"Host": "in", "Forwarded": 'host="evil/?"'}, ""),
        ({"Host": "1" * 300}, ""),
    ],
)
def test_the_outermost_proxy_knows_the_clients_name_for_us(headers, expected):
    assert origin(CIMultiDict(headers), secure=False) == expected


def test_tls_of_our_own_is_https():
    assert located(secure=True, Host="r") == "https://r"


def test_the_configured_host_wins_over_everything():
    settings = ApiSettings(host="https://r.example.com/", relative_urls=True)
    assert located(settings, Host="in", X_Forwarded_Host="out") == "https://r.example.com"


def test_relative_urls_are_paths_below_the_prefix():
    assert located(ApiSettings(relative_urls=True, prefix="/reg"), Host="in") == "/reg"
    assert located(ApiSettings(prefix="/reg"), Host="in") == "http://in/reg"
