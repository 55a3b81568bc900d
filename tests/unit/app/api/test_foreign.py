import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from app.api.sealed import Sealer
from app.oci.errors import BlobUploadUnknown
from app.oci.reference import RepositoryName
from app.registry.contracts import UploadSession

NAME = RepositoryName.parse("a/b")
ID = "2a1b1b1e-6d4f-4d2c-9d5a-0f6b1c2d3e4f"
STATE = {"Name": "a/b", "UUID": ID, "Offset": 17, "StartedAt": "2026-01-02T03:04:05.123456789Z"}
SEALER = Sealer(b"secret")


def token(state, secret=b"secret"):
    payload = state if isinstance(state, bytes) else json.dumps(state).encode()
    return urlsafe_b64encode(hmac.digest(secret, payload, "sha256") + payload).decode()


def test_what_the_go_registry_sealed_is_a_foreign_session():
    found = SEALER.unseal(token(STATE), NAME, ID)
    assert found == UploadSession(NAME, ID, found.started, offset=17, foreign=True)
    assert abs(found.started - datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)).total_seconds() < 1e-5


def test_what_we_sealed_is_not_foreign():
    session = UploadSession(NAME, ID, datetime(2026, 1, 2, tzinfo=UTC), 17)
    assert SEALER.unseal(SEALER.seal(session), NAME, ID) == session


def test_another_secret_another_repository_and_another_id_find_nothing():
    good = token(STATE)
    for bad, name, session_id in [
        (token(STATE, b"other"), NAME, ID),
        (good, RepositoryName.parse("a"), ID),
        (good, NAME, ID.replace("2", "3")),
    ]:
        with pytest.raises(BlobUploadUnknown):
            SEALER.unseal(bad, name, session_id)


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{",
        b"[]",
        b'["a/b", "id", 0, 0, null, null, null]',
        {**STATE, "Offset": -1},
        {**STATE, "Offset": "17"},
        {**STATE, "StartedAt": "2026-01-02T03:04:05"},
        {**STATE, "StartedAt": "yesterday"},
        {key: value for key, value in STATE.items() if key != "StartedAt"},
    ],
)
def test_a_mark_on_something_else_is_an_unknown_upload(state):
    with pytest.raises(BlobUploadUnknown):
        SEALER.unseal(token(state), NAME, ID)


def test_an_id_that_is_no_uuid_never_becomes_a_path():
    with pytest.raises(BlobUploadUnknown):
        SEALER.unseal(token({**STATE, "UUID": "../../x"}), NAME, "../../x")
