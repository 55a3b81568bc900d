"""Upload sessions in a Location of the Go registry: a MAC with the secret of all replicas, and JSON."""

from __future__ import annotations

import hmac
import re
from datetime import datetime  # noqa: TC003  # msgspec reads the annotations of a Struct when the program runs
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from app.oci.errors import BlobUploadUnknown
from app.registry.contracts import UploadSession

if TYPE_CHECKING:
    from app.oci.reference import RepositoryName

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class _State(msgspec.Struct, frozen=True):
    repository: str = msgspec.field(name="Name")
    id: str = msgspec.field(name="UUID")
    offset: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="Offset")
    started: Annotated[datetime, msgspec.Meta(tz=True)] = msgspec.field(name="StartedAt")


def unseal(secret: bytes, mac: bytes, payload: bytes, repository: RepositoryName, session_id: str) -> UploadSession:
    """Return the session that *payload* tells of, if *mac* is the Go registry's for it, for this repository and id.

    Raises:
        BlobUploadUnknown: it is not; the answer does not tell what is wrong with it.
    """
    if not hmac.compare_digest(mac, hmac.digest(secret, payload, "sha256")):
        raise BlobUploadUnknown
    try:
        state = msgspec.json.decode(payload, type=_State)
    except msgspec.MsgspecError:
        raise BlobUploadUnknown from None
    if state.repository != repository or state.id != session_id or _UUID.fullmatch(session_id) is None:
        raise BlobUploadUnknown
    return UploadSession(repository, session_id, state.started, offset=state.offset, foreign=True)
