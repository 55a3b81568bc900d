"""One request that goes on with an upload: adds bytes, and acknowledges or publishes them."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from app.oci import mediatype
from app.oci.descriptor import Descriptor
from app.oci.digest import CANONICAL
from app.oci.errors import BlobUnknown, BlobUploadUnknown, DigestInvalid
from app.registry import layout
from app.registry.contracts import UploadOutOfOrder
from app.registry.ledger import RecordTaken
from app.registry.records import Record
from drivers.errors import Busy, DriverError, PathNotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from app.oci.digest import Algorithm, Digest
    from app.registry.blobs import GlobalBlobStore
    from app.registry.contracts import UploadSession
    from app.registry.hashing import Hashes, Hashing
    from app.registry.ledger import Ledger
    from app.registry.linked import Linker
    from app.registry.staging import Stage

_log = logging.getLogger(__name__)
_NAMES: Final = 64  # of earlier records in one record: to remove so many without looking for them is worth their bytes


class SessionWriter:
    """An `app.registry.contracts.BlobWriter`.

    Args:
        session: what the client goes on from.
        record: what *session* acknowledges; ``None``: nothing yet, or, with *gone*, the record is not there.
        gone: what *session* acknowledges is not there any more; perhaps an earlier request has published it.
        closing: whether the request means to commit, so that what is gone may be no error.
        nonce: this request's, for its record.
        stage: where the bytes are.
        hashes: of what is acknowledged, as far as its states can be resumed.
        ledger: the records.
        hashing: where hashes are computed.
        linker: the repository that the blob goes to.
        blobs: where it is published.
        ended: told the session's id when it is over.
        batch_size: bytes that one `write` handles best.
    """

    def __init__(
        self,
        session: UploadSession,
        record: Record | None,
        *,
        gone: bool,
        closing: bool,
        nonce: str,
        stage: Stage,
        hashes: Hashes,
        ledger: Ledger,
        hashing: Hashing,
        linker: Linker,
        blobs: GlobalBlobStore,
        ended: Callable[[str], None],
        batch_size: int,
    ) -> None:
        self._session = session
        self._record = record
        self._gone = gone
        self._closing = closing
        self._nonce = nonce
        self._stage = stage
        self._hashes = hashes
        self._ledger = ledger
        self._hashing = hashing
        self._linker = linker
        self._blobs = blobs
        self._ended = ended
        self._broken = False
        self.batch_size = batch_size
        self.size = session.offset

    async def write(self, chunk: bytes, /) -> None:
        """Hash and store *chunk*.

        Raises:
            UploadOutOfOrder: the session went on without us, or somebody else is at it.
            BlobUploadUnknown: it is over.
        """
        self._require_sound()
        self._broken = True
        await self._hashing.update(self._hashes, chunk, self._store(chunk))
        self._broken = False
        self.size += len(chunk)

    async def park(self) -> UploadSession:
        """Acknowledge what was written; one driver call, two where it went into a piece of its own.

        Raises:
            UploadOutOfOrder: somebody else acknowledged other bytes at this offset.
            BlobUploadUnknown: the session is over.
            Unavailable: the backend failed; the bytes may be acknowledged all the same, the status tells.
        """
        self._require_sound()
        if self._gone:
            raise BlobUploadUnknown
        if self.size == self._session.offset:
            return self._session
        pieces, tail = await self._stage.seal()
        record = Record(
            repository=self._session.repository,
            nonce=self._nonce,
            started=self._session.started,
            algorithm=self._session.algorithm,
            offset=self.size,
            depth=1 if self._record is None else self._record.depth + 1,
            earlier=self._names(),
            pieces=pieces,
            tail=tail,
            states=self._hashes.states(),
        )
        self._stage.keep()
        try:
            return await self._ledger.add(self._session, record)
        except RecordTaken as taken:
            self._stage.drop()
            winner = self._ledger.session(self._session, taken.name, taken.record)
            if taken.record.acknowledges_the_same(record):
                return winner
            raise UploadOutOfOrder(await self._ledger.newest(winner)) from None

    async def commit(self, digest: Digest, /) -> Descriptor:
        """Publish everything under its digest, link it, and remove what the session stored.

        Raises:
            DigestInvalid: the bytes have another digest; the session is over.
            UploadOutOfOrder: the session went on without us, or somebody else is at it.
            BlobUploadUnknown: it is over, and the repository has no such blob.
        """
        self._require_sound()
        if self._gone:
            return await self._find_published(digest)
        try:
            await self._stage.open()
            await self._hash_again({CANONICAL, digest.algorithm} - self._hashes.algorithms)
            if self._hashes.digest(digest.algorithm) != digest:
                await self._refuse(digest)
            canonical = self._hashes.digest(CANONICAL)
            await self._stage.publish(layout.blob_data(canonical))
        except PathNotFound:
            return await self._find_published(digest)
        except Busy:
            raise UploadOutOfOrder(self._session) from None
        return await self._finish(Descriptor(mediatype.OCTET_STREAM, self.size, canonical), digest)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        try:
            await self._stage.close()
        except DriverError as failure:
            _log.warning("left for the purge in session %s: %s", self._session.id, failure)

    async def _store(self, chunk: bytes) -> None:
        if self._gone:
            return  # the commit will tell, and needs no more than the digest
        try:
            await self._stage.write(chunk)
        except PathNotFound:
            if not self._closing:
                raise BlobUploadUnknown from None
            self._gone = True
        except Busy:
            raise UploadOutOfOrder(self._session) from None

    async def _hash_again(self, algorithms: set[Algorithm] | frozenset[Algorithm]) -> None:
        """Read everything for digests that nobody has computed or that could not be resumed."""
        if not algorithms:
            return
        hashes = self._hashing.begin(algorithms, resumable=False)
        read = 0
        async for chunk in self._stage.read():
            await self._hashing.run(partial(hashes.update, chunk), len(chunk))
            read += len(chunk)
        if read != self.size:
            raise Unavailable(f"session {self._session.id} gave {read} bytes instead of {self.size}")
        self._hashes.include(hashes)

    async def _find_published(self, digest: Digest) -> Descriptor:
        """Answer a closing request whose bytes are gone: an earlier one may have moved them, and died."""
        with suppress(BlobUnknown):
            if await self._linker.linked(digest):
                canonical = digest if digest.canonical else (await self._linker.stat(digest)).digest
                return await self._blobs.stat(canonical)
            known = {CANONICAL, digest.algorithm} <= self._hashes.algorithms
            if known and self._hashes.digest(digest.algorithm) == digest:
                return await self._finish(await self._blobs.stat(self._hashes.digest(CANONICAL)), digest)
        raise BlobUploadUnknown

    async def _refuse(self, digest: Digest) -> None:
        """Take everything away, unless the digest is wrong because the session has gone on."""
        await self._ledger.check_newest(self._session)
        await self._clear()
        raise DigestInvalid(detail={"digest": digest, "computed": self._hashes.digest(digest.algorithm)})

    async def _finish(self, descriptor: Descriptor, asked: Digest) -> Descriptor:
        await self._linker.link(descriptor, asked)
        await self._clear()
        return descriptor

    async def _clear(self) -> None:
        self._ended(self._session.id)
        if self._record is not None:
            await self._ledger.clear(self._session, self._record, self._stage.leftovers())

    def _names(self) -> tuple[str, ...]:
        """The names of the records so far, not beyond a number that makes records heavy."""
        if self._record is None or self._session.record is None:
            return ()
        return (*self._record.earlier, self._session.record)[:_NAMES]

    def _require_sound(self) -> None:
        """A write that failed or was called off has left the digest and the bytes apart."""
        if self._broken:
            raise Unavailable("an earlier write of this request did not end")
