"""The record: what acknowledges the bytes of an upload, as it lies in storage.

It is authenticated with a key that lives in storage too and bound to its path, so a broken record, another one's or one
of another version can be told from a good one. What records there are, and when, is the business of
`app/registry/ledger.py`.
"""

from __future__ import annotations

import hmac
from datetime import datetime  # noqa: TC003  # msgspec reads the annotations of a Struct when the program runs
from typing import Final

import msgspec

from app.oci.digest import Algorithm  # noqa: TC001  # the same
from app.oci.reference import RepositoryName
from app.registry.contracts import UploadSession

_MAGIC: Final = b"MUR1"  # Moorage upload record, version 1
_MAC: Final = 32


class RecordInvalid(Exception):
    """These bytes are no record of this store at this path."""


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A file below the session's folder of pieces.

    Attributes:
        name: its name there.
        size: bytes of it that are acknowledged.
        version: the driver's mark of its content; empty on disk, where the newest piece may grow.
    """

    name: str
    size: int
    version: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one session, acknowledged; or the end of a session that was cancelled.

    Attributes:
        repository: the repository it belongs to.
        nonce: that of the request which wrote it.
        started: when the session began.
        algorithm: the digest algorithm that was announced, if one was.
        boot: the boot of the machine that vouches for the bytes; empty where they survive a power cut.
        offset: bytes of the session that are acknowledged.
        depth: how many records the session has up to this one.
        earlier: the names of those before it, as long as they are few.
        pieces: where the bytes are, in order,
        tail: and those that are in no piece.
        states: of the digests so far, by algorithm; without one the bytes are to be read again.
        closed: nothing is acknowledged, the session is over.
    """

    repository: str
    nonce: str
    started: datetime
    algorithm: Algorithm | None = None
    boot: str = ""
    offset: int = 0
    depth: int = 1
    earlier: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()
    tail: bytes = b""
    states: dict[Algorithm, bytes] = {}
    closed: bool = False

    def session(self, session_id: str, name: str) -> UploadSession:
        """What a client needs to go on from this record, which is called *name*."""
        return UploadSession(
            repository=RepositoryName.parse(self.repository),
            id=session_id,
            started=self.started,
            offset=self.offset,
            record=name,
            nonce=self.nonce,
            algorithm=self.algorithm,
        )

    def acknowledges_the_same(self, other: Record) -> bool:
        """Whether both stand for the same bytes, as far as their hash states tell."""
        return bool(self.states) and (self.offset, self.states) == (other.offset, other.states)


class RecordCodec:
    """Records to bytes and back.

    Args:
        key: authenticates them; the same in every process of this store.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._encoder = msgspec.msgpack.Encoder(enc_hook=str)  # names and digests are kinds of text
        self._decoder = msgspec.msgpack.Decoder(Record)

    def encode(self, path: str, record: Record) -> bytes:
        """Return *record* as it is to lie at *path*."""
        body = self._encoder.encode(record)
        return b"".join((_MAGIC, self._mac(path, body), body))

    def decode(self, path: str, content: bytes) -> Record:
        """Return the record that lies at *path*.

        Raises:
            RecordInvalid: it is cut short, tampered with, of another place, store or version.
        """
        body = memoryview(content)[len(_MAGIC) + _MAC :]
        mac = content[len(_MAGIC) : len(_MAGIC) + _MAC]
        if not content.startswith(_MAGIC) or not hmac.compare_digest(mac, self._mac(path, body)):
            raise RecordInvalid(path)
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise RecordInvalid(path) from error

    def _mac(self, path: str, body: bytes | memoryview) -> bytes:
        mac = hmac.new(self._key, _MAGIC, "sha256")
        for part in (len(path).to_bytes(4), path.encode(), body):
            mac.update(part)
        return mac.digest()
