from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.api.sealed import Sealer
from app.oci.digest import Algorithm
from app.oci.errors import BlobUploadUnknown
from app.oci.reference import RepositoryName
from app.registry.contracts import UploadSession

NAME = RepositoryName.parse("a/b")
SESSION = UploadSession(NAME, "id-1", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), 17, "0", "nonce", Algorithm.SHA512)
SEALER = Sealer(b"secret")


@pytest.mark.parametrize("session", [SESSION, UploadSession(NAME, "id-1", SESSION.started)])
def test_what_was_sealed_comes_back_the_same(session):
    token = SEALER.seal(session)
    assert SEALER.unseal(token, NAME, "id-1") == session
    assert token.isascii()
    assert not set(token) & set("+/=&?# ")


def test_another_secret_another_repository_and_another_id_find_nothing():
    token = SEALER.seal(SESSION)
    for sealer, name, session_id in [
        (Sealer(b"other"), NAME, "id-1"),
        (SEALER, RepositoryName.parse("a"), "id-1"),
        (SEALER, NAME, "id-2"),
    ]:
        with pytest.raises(BlobUploadUnknown):
            sealer.unseal(token, name, session_id)


def test_no_bit_of_a_token_can_be_changed():
    token = SEALER.seal(SESSION)
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(BlobUploadUnknown):
            SEALER.unseal(urlsafe_b64encode(changed).rstrip(b"=").decode(), NAME, "id-1")


@pytest.mark.parametrize("token", ["", "x", "=", "%%%", "A" * 43, "A" * 100_000, "é" * 40, "\x00", "\ud800"])
def test_garbage_is_an_unknown_upload(token):
    with pytest.raises(BlobUploadUnknown):
        SEALER.unseal(token, NAME, "id-1")


def test_a_token_of_a_longer_session_is_as_good_as_one_of_a_shorter():
    later = replace(SESSION, offset=1 << 62, record="r" * 200)
    assert SEALER.unseal(SEALER.seal(later), NAME, "id-1") == later
