"""Ways in for bytes: sessions that any process can carry on, and bodies whose digest came with them.

The protocol is that of `tests/support/upload_model.py`, where every rule is explained and every order of events tried:

- first bytes, in files that only one request writes, then one record that acknowledges them, never to be replaced;
- a client's Location names one record and its nonce; what it says is published and nothing else;
- at the end bytes, then the link, and only then what the session stored is removed.

Where the store's files can grow (a disk), a session has one file, extended under its lock; elsewhere it has pieces that
never change, and the newest bytes travel in the record.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from app.oci.digest import CANONICAL
from app.oci.errors import BlobUploadUnknown
from app.registry import direct
from app.registry.adoption import Adoption
from app.registry.blobs import GlobalBlobStore
from app.registry.contracts import UploadOutOfOrder, UploadSession
from app.registry.flights import Flights
from app.registry.growing import GrowingPiece
from app.registry.ledger import Ledger, RecordAbsent
from app.registry.pieces import ImmutablePieces, TailRoom
from app.registry.recent import Recent
from app.registry.records import RecordCodec
from app.registry.session import SessionWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from app.oci.digest import Algorithm, Digest
    from app.oci.reference import RepositoryName
    from app.registry.contracts import BlobWriter
    from app.registry.hashing import Hashing
    from app.registry.linked import Linker
    from app.registry.records import Record
    from app.registry.staging import Stage
    from drivers.contract import (
        Driver,
        SupportsCompareAndSwap,
        SupportsCompose,
        SupportsDeleteFiles,
        SupportsExtend,
        SupportsMultipartRecovery,
    )

_MIB: Final = 1 << 20
_REMEMBERED: Final = 4096  # sessions that this process knows to be over


class _Body(NamedTuple):
    """What is known of the bytes that a request brings: how many, if it says so, and how many may stay in a tail."""

    size: int | None
    limit: int


class Uploads:
    """The uploads of one store; `into` gives those of one repository.

    The driver must be able to extend files and to create only, or to compose.

    Args:
        driver: where everything is.
        hashing: computes digests.
        key: authenticates records; the same in every process of this store.
        boot: names this boot of the machine.
        max_age: how long a session lasts.
        now: the clock, in UTC.
        new_id: makes session ids and nonces.
        swap: the driver's power to create only, if it has it,
        extend: its power to extend files,
        compose: its power to put them together,
        deletes: its power to remove several with one call,
        recovery: and its power to complete what the Go registry has left in parts.
        tail_limit: bytes of a stream that are kept in a record and not in a piece of their own,
        chunk_limit: and bytes of one that comes in chunks. An object store asks for pieces of 5 MiB and more.
        tail_memory: bytes of all such tails that are on their way; what finds no room goes into a piece.
        memory: bytes that records remembered by this process may take.
        lock_wait: seconds to wait for another request on the same session.
        batch_size: bytes that one write handles best.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        hashing: Hashing,
        key: bytes,
        boot: str,
        max_age: timedelta,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        swap: SupportsCompareAndSwap | None = None,
        extend: SupportsExtend | None = None,
        compose: SupportsCompose | None = None,
        deletes: SupportsDeleteFiles | None = None,
        recovery: SupportsMultipartRecovery | None = None,
        tail_limit: int = 16 * _MIB,
        chunk_limit: int = 5 * _MIB - 1,
        tail_memory: int = 32 * _MIB,
        memory: int = 64 * _MIB,
        lock_wait: float = 10.0,
        batch_size: int = _MIB,
    ) -> None:
        self._driver = driver
        self._hashing = hashing
        self._max_age = max_age
        self._now = now
        self._new_id = new_id
        self._tail_limit = tail_limit
        self._chunk_limit = chunk_limit
        self._lock_wait = lock_wait
        self._batch_size = batch_size
        self._blobs = GlobalBlobStore(driver)
        self._room = TailRoom(tail_memory)
        self._stage: Callable[[UploadSession, Record | None, str, _Body], Stage]
        if extend is not None and swap is not None:
            self._stage = partial(self._growing, extend)
        elif compose is not None:
            boot = ""  # what an object store acknowledges survives a power cut
            self._stage = partial(self._immutable, compose)
        else:
            raise ValueError(f"the driver {driver.name} can neither extend files safely nor compose them")
        self._ledger = Ledger(driver, RecordCodec(key), hashing, swap=swap, deletes=deletes, boot=boot, memory=memory)
        self._adoption = Adoption(driver, self._ledger, recovery=recovery, decisive=swap is not None)
        self._adopting: Flights[UploadSession] = Flights()
        self._cancelled: Recent[str, None] = Recent(_REMEMBERED)
        self._closed: Recent[str, None] = Recent(_REMEMBERED)

    def into(self, repository: RepositoryName, linker: Linker) -> RepositoryUploads:
        """The uploads whose blobs *linker* makes visible in *repository*."""
        return RepositoryUploads(self, repository, linker)

    def begin(self, repository: RepositoryName, algorithm: Algorithm | None = None) -> UploadSession:
        """Name a new session. Stores nothing."""
        return UploadSession(repository, self._new_id(), self._now(), algorithm=algorithm)

    def create(
        self, repository: RepositoryName, linker: Linker, digest: Digest, *, size: int | None = None
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """Open a writer for a body that has *digest*.

        What is published lies under the sha256, so a body of which only the sha512 is known waits in a session of its
        own, which nobody else ever hears of.
        """
        if digest.canonical:
            return direct.writing(self._driver, self._hashing, linker, digest, size=size, batch_size=self._batch_size)
        session = self.begin(repository)
        return self._writer(session, None, linker, gone=False, closing=digest, size=size, limit=self._tail_limit)

    @asynccontextmanager
    async def resume(
        self,
        session: UploadSession,
        linker: Linker,
        *,
        offset: int | None,
        closing: Digest | None,
        size: int | None = None,
    ) -> AsyncIterator[BlobWriter]:
        """Open a writer that continues *session*: at most one driver call before the first byte.

        Raises:
            BlobUploadUnknown: on entering: the session is over.
            UploadOutOfOrder: on entering: *offset* is not where it stands.
        """
        self._require_alive(session, closing)
        record: Record | None = None
        gone = False
        if session.foreign:
            try:
                session = await self._adopted(session, linker, offset)
            except BlobUploadUnknown:
                if closing is None:
                    raise
                gone = True
        elif offset is not None and offset != session.offset:
            raise UploadOutOfOrder(await self.status(session, linker))
        if session.record is not None:
            try:
                record = await self._ledger.load(session)
            except RecordAbsent:
                if closing is None:
                    raise BlobUploadUnknown from None
                gone = True
        chunked = offset is not None and closing is None
        limit = self._chunk_limit if chunked else self._tail_limit
        making = self._writer(session, record, linker, gone=gone, closing=closing, size=size, limit=limit)
        async with making as writer:
            yield writer

    async def status(self, session: UploadSession, linker: Linker) -> UploadSession:
        """Return where the session stands: one driver call for each step it went further on, and one or two.

        Raises:
            BlobUploadUnknown: it is over.
        """
        self._require_alive(session)
        if session.foreign:
            return await self._adopt(session, linker)
        newest = await self._ledger.newest(session)
        if newest is session and session.record is not None:
            try:
                await self._ledger.read(session)
            except RecordAbsent:
                raise BlobUploadUnknown from None
        return newest

    async def cancel(self, session: UploadSession, linker: Linker) -> None:
        """End the session and remove what it stored; one that stored nothing leaves nothing.

        A closing request that is under way may still publish what it has checked. Where the store can't create only,
        requests of other processes may go on from what they remember.

        Raises:
            BlobUploadUnknown: it is over already.
        """
        self._require_alive(session)
        if session.foreign:
            foreign, session = session, await self._adopt(session, linker)
            await self._adoption.remove(foreign)
        await self._ledger.cancel(session, self._new_id())
        self._cancelled.put(session.id, None)

    async def _adopted(self, session: UploadSession, linker: Linker, offset: int | None) -> UploadSession:
        """Adopt a foreign session that a request goes on with at *offset*, or where its client was told it stands.

        Raises:
            BlobUploadUnknown: it is over.
            UploadOutOfOrder: it stands elsewhere.
        """
        adopted = await self._adopt(session, linker)
        if adopted.offset != (session.offset if offset is None else offset):
            raise UploadOutOfOrder(adopted)
        return adopted

    async def _adopt(self, session: UploadSession, linker: Linker) -> UploadSession:
        """Make a foreign session ours, once for all who ask at the same time. See `Adoption.adopt`."""

        def writer(start: UploadSession, size: int) -> SessionWriter:
            limit = self._chunk_limit
            return self._writer(start, None, linker, gone=False, closing=None, size=size, limit=limit)

        key = (session.repository, session.id)
        return await self._adopting.join(key, lambda: self._adoption.adopt(session, writer))

    def _require_alive(self, session: UploadSession, closing: Digest | None = None) -> None:
        if self._now() - session.started > self._max_age:
            raise BlobUploadUnknown
        if session.id in self._cancelled:
            raise BlobUploadUnknown
        if session.id in self._closed and closing is None:  # a repeated closing request is answered as the first one
            raise BlobUploadUnknown

    def _writer(
        self,
        session: UploadSession,
        record: Record | None,
        linker: Linker,
        *,
        gone: bool,
        closing: Digest | None,
        size: int | None,
        limit: int,
    ) -> SessionWriter:
        nonce = self._new_id()
        if record is not None:
            hashes = self._hashing.resume(record.states)
        elif gone:
            hashes = self._hashing.begin(())
        else:
            announced = {session.algorithm or CANONICAL, CANONICAL if closing is None else closing.algorithm}
            hashes = self._hashing.begin({CANONICAL, *announced}, resumable=closing is None)
        return SessionWriter(
            session,
            record,
            gone=gone,
            closing=closing is not None,
            nonce=nonce,
            stage=self._stage(session, record, nonce, _Body(size, limit)),
            hashes=hashes,
            ledger=self._ledger,
            hashing=self._hashing,
            linker=linker,
            blobs=self._blobs,
            ended=lambda session_id: self._closed.put(session_id, None),
            batch_size=self._batch_size,
        )

    def _growing(
        self, extend: SupportsExtend, session: UploadSession, record: Record | None, name: str, _: _Body
    ) -> Stage:
        def check() -> Awaitable[None]:
            return self._ledger.check_newest(session)

        return GrowingPiece(self._driver, extend, session.id, record, name, check, wait=self._lock_wait)

    def _immutable(
        self, compose: SupportsCompose, session: UploadSession, record: Record | None, name: str, body: _Body
    ) -> Stage:
        return ImmutablePieces(
            self._driver, compose, session.id, record, name, room=self._room, limit=body.limit, size=body.size
        )


class RepositoryUploads:
    """The ways into one repository, see `app.registry.linked.Ingestion`. Sessions of others are unknown here."""

    __slots__ = ("_linker", "_repository", "_uploads")

    def __init__(self, uploads: Uploads, repository: RepositoryName, linker: Linker) -> None:
        self._uploads = uploads
        self._repository = repository
        self._linker = linker

    def begin(self, algorithm: Algorithm | None = None, /) -> UploadSession:
        """Name a new session. Stores nothing."""
        return self._uploads.begin(self._repository, algorithm)

    def create(self, digest: Digest, /, *, size: int | None = None) -> AbstractAsyncContextManager[BlobWriter]:
        """Open a writer for a body that has *digest*."""
        return self._uploads.create(self._repository, self._linker, digest, size=size)

    def resume(
        self,
        session: UploadSession,
        /,
        *,
        offset: int | None = None,
        closing: Digest | None = None,
        size: int | None = None,
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """See `Uploads.resume`."""
        self._require_own(session)
        return self._uploads.resume(session, self._linker, offset=offset, closing=closing, size=size)

    async def status(self, session: UploadSession, /) -> UploadSession:
        """See `Uploads.status`."""
        self._require_own(session)
        return await self._uploads.status(session, self._linker)

    async def cancel(self, session: UploadSession, /) -> None:
        """See `Uploads.cancel`."""
        self._require_own(session)
        await self._uploads.cancel(session, self._linker)

    def _require_own(self, session: UploadSession) -> None:
        if session.repository != self._repository:
            raise BlobUploadUnknown
