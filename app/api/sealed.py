"""Upload sessions in a Location: readable by everybody, made by nobody but us. Holds no hash state and no secret.

What the Go registry made with the same secret is understood, too (`app/api/foreign.py`).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from app.api import foreign
from app.oci.digest import Algorithm
from app.oci.errors import BlobUploadUnknown
from app.oci.reference import RepositoryName
from app.registry.contracts import UploadSession

_MAC: Final = 32
_PURPOSE: Final = b"moorage upload 1\0"  # the same secret must not make marks that mean something elsewhere
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 4096


class _State(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    repository: str
    id: str
    started: int  # microseconds since 1970, UTC
    offset: int
    record: str | None
    nonce: str | None
    algorithm: Algorithm | None


class Sealer:
    """Turns sessions into tokens and back.

    Every replica must have the same *secret*.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, session: UploadSession) -> str:
        """Return a token of URL-safe characters that only `unseal` with the same secret understands."""
        state = _State(
            str(session.repository),
            session.id,
            (session.started - _EPOCH) // timedelta(microseconds=1),
            session.offset,
            session.record,
            session.nonce,
            session.algorithm,
        )
        payload = msgspec.json.encode(state)
        return urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def unseal(self, token: str, repository: RepositoryName, session_id: str) -> UploadSession:
        """Return the session of *token*, if we sealed it for this repository and id, or the Go registry did.

        Raises:
            BlobUploadUnknown: neither did; the answer does not tell what is wrong with it.
        """
        mac, payload = _parts(token)
        if not hmac.compare_digest(mac, self._mac(payload)):
            return foreign.unseal(self._secret, mac, payload, repository, session_id)
        state = msgspec.json.decode(payload, type=_State)
        if state.repository != repository or state.id != session_id:
            raise BlobUploadUnknown
        return UploadSession(
            repository=repository,
            id=state.id,
            started=_EPOCH + timedelta(microseconds=state.started),
            offset=state.offset,
            record=state.record,
            nonce=state.nonce,
            algorithm=state.algorithm,
        )

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, _PURPOSE + payload, "sha256")


def _parts(token: str) -> tuple[bytes, bytes]:
    """Return the mark and what it marks.

    Raises:
        BlobUploadUnknown: this is no token.
    """
    if len(token) > _LONGEST or not token.isascii():
        raise BlobUploadUnknown
    try:
        sealed = urlsafe_b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4))
    except ValueError:
        raise BlobUploadUnknown from None
    return sealed[:_MAC], sealed[_MAC:]
