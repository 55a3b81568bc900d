"""The records of all sessions: created and never replaced, read, followed, removed.

Where the store can create a file only if there is none, the record after an offset has one name, and of several writers
one wins it; where it can't, the name has the writer's nonce, and each goes on with his own. This worker remembers the
newest record of each session that it wrote or read, so that the next request need not read it: what is remembered under
a nonce can't be wrong, only removed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from app.oci.errors import BlobUploadUnknown
from app.registry import layout
from app.registry.contracts import UploadOutOfOrder
from app.registry.recent import Recent
from app.registry.records import Record, RecordInvalid
from drivers.errors import Conflict, DriverError, PathNotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from app.registry.contracts import UploadSession
    from app.registry.hashing import Hashing
    from app.registry.records import Piece, RecordCodec
    from drivers.contract import Driver, SupportsCompareAndSwap, SupportsDeleteFiles

_log = logging.getLogger(__name__)
_WEIGHT: Final = 1024  # bytes of memory that a record takes beside its tail and its pieces
_PIECE: Final = 256  # and each of these, or name of an earlier record


def _weight(record: Record) -> int:
    return _WEIGHT + _PIECE * (len(record.pieces) + len(record.earlier)) + len(record.tail)


class RecordAbsent(Exception):
    """There is no such record, or none that counts."""


class RecordTaken(Exception):
    """Somebody else's *record*, called *name*, is where the new one should be."""

    def __init__(self, name: str, record: Record) -> None:
        super().__init__(name)
        self.name = name
        self.record = record


class Ledger:
    """Records in storage.

    Args:
        driver: where they are.
        codec: how they are written.
        hashing: authenticates large ones in a thread.
        swap: the driver's power to create only, if it has it.
        deletes: its power to remove several files with one call, if it has it.
        boot: names this boot of the machine, if bytes are acknowledged that would not survive a power cut; then
            records need not survive it either, and those of another boot count as absent.
        memory: bytes that remembered records may take.
    """

    def __init__(
        self,
        driver: Driver,
        codec: RecordCodec,
        hashing: Hashing,
        *,
        swap: SupportsCompareAndSwap | None,
        deletes: SupportsDeleteFiles | None,
        boot: str,
        memory: int,
    ) -> None:
        self._driver = driver
        self._codec = codec
        self._hashing = hashing
        self._swap = swap
        self._deletes = deletes
        self._boot = boot
        # Nobody else's records can be there, and several are removed as one: no need to look for them.
        self._named = swap is not None and deletes is not None
        self._newest: Recent[str, tuple[str, Record]] = Recent(memory, lambda kept: _weight(kept[1]))

    async def load(self, session: UploadSession) -> Record:
        """Return the record that *session* names: no driver call if it is remembered, else one.

        Raises:
            RecordAbsent: it is not there, or it is another one of that name.
        """
        try:
            name, record = self._newest.get(session.id)
        except KeyError:
            return await self.read(session)
        if name != session.record or record.nonce != session.nonce or record.repository != session.repository:
            return await self.read(session)
        return record

    async def read(self, session: UploadSession) -> Record:
        """Return the record that *session* names, as storage has it now. One driver call.

        Raises:
            RecordAbsent: it is not there, or it is another one of that name.
        """
        if session.record is None:
            raise RecordAbsent
        record = await self._at(session.id, session.record)
        if record.closed or record.nonce != session.nonce or record.repository != session.repository:
            raise RecordAbsent
        self._newest.put(session.id, (session.record, record))
        return record

    async def check_newest(self, session: UploadSession) -> None:
        """Make sure that no record follows the one that *session* names. One driver call, none where nobody could know.

        Raises:
            UploadOutOfOrder: one does; the newest is in the error.
            BlobUploadUnknown: the session is closed.
        """
        newest = await self.newest(session)
        if newest is not session:
            raise UploadOutOfOrder(newest)

    async def newest(self, session: UploadSession) -> UploadSession:
        """Return where the records after that of *session* lead: *session* itself if there is none.

        Raises:
            BlobUploadUnknown: to the end of the session.
        """
        while self._swap is not None:
            name = str(session.offset)
            try:
                record = await self._at(session.id, name)
            except RecordAbsent:
                break
            session = self.session(session, name, record)
        return session

    @staticmethod
    def session(before: UploadSession, name: str, record: Record) -> UploadSession:
        """Return the session that goes on from *record*, which follows *before*.

        Raises:
            BlobUploadUnknown: it does not go on.
        """
        if record.closed or record.repository != before.repository:
            raise BlobUploadUnknown
        return record.session(before.id, name)

    async def add(self, session: UploadSession, record: Record) -> UploadSession:
        """Create the record that follows *session*, and return the session that it makes. One driver call.

        Raises:
            RecordTaken: another one is there already; ours is not, and nothing names its pieces.
            BlobUploadUnknown: something is there that is no record.
            Unavailable: the backend failed. The record may be there all the same.
        """
        record = msgspec.structs.replace(record, boot=self._boot)
        name = str(session.offset) if self._swap is not None else f"{session.offset}-{record.nonce}"
        path = layout.upload_record(session.id, name)
        content = await self._hashing.run(lambda: self._codec.encode(path, record), len(record.tail))
        try:
            if self._swap is None:
                await self._driver.put(path, content)
            else:
                await self._swap.create(path, content, durable=not self._boot)
        except (Conflict, Unavailable) as error:
            await self._recognise(session.id, name, record.nonce, error)
        if not record.closed:
            self._newest.put(session.id, (name, record))
        return record.session(session.id, name)

    async def _recognise(self, session_id: str, name: str, nonce: str, error: Conflict | Unavailable) -> None:
        """See whether a create that failed has happened all the same, its answer lost.

        Raises:
            RecordTaken, BlobUploadUnknown, Unavailable: see `add`.
        """
        try:
            found = await self._at(session_id, name)
        except RecordAbsent:
            if isinstance(error, Unavailable):
                raise error from None
            raise BlobUploadUnknown from None
        if found.nonce != nonce:
            raise RecordTaken(name, found) from None

    async def cancel(self, session: UploadSession, nonce: str) -> None:
        """Follow the records to the end, end the session there, and remove what it stored.

        One that stored nothing stores nothing now. Where the store can't create only, there is no end to close.

        Raises:
            BlobUploadUnknown: it is over already.
        """
        try:
            if session.record is not None:
                record = await self.read(session)
            elif self._swap is not None:
                name = str(session.offset)
                record = await self._at(session.id, name)
                session = self.session(session, name, record)
        except RecordAbsent:
            if session.record is not None:
                raise BlobUploadUnknown from None
            return
        if self._swap is None:
            self._newest.drop(session.id)
            await self._driver.delete_tree(f"{layout.UPLOADS}/{session.id}")
            await self._driver.delete_tree(f"{layout.PIECES}/{session.id}")
            return
        end = Record(repository=session.repository, nonce=nonce, started=session.started, closed=True)
        while True:
            try:
                await self.add(session, end)
            except RecordTaken as taken:
                record = taken.record
                session = self.session(session, taken.name, record)
            else:
                break
        await self.clear(session, record, record.pieces, keep=str(session.offset))

    async def clear(self, session: UploadSession, record: Record, pieces: tuple[Piece, ...], keep: str = "") -> None:
        """Remove records up to that of *session*, except one named *keep*, and *pieces*.

        What can't be removed is left to the purge: the answer to the client does not hang on it.
        """
        self._newest.drop(session.id)
        calls: list[Awaitable[None]] = []
        files: list[str] = []
        names = () if session.record is None else (*record.earlier, session.record)
        if len(names) == record.depth and (record.depth == 1 or self._named):
            files.extend(layout.upload_record(session.id, name) for name in names)
        elif keep:
            calls.append(self._clear_records(session.id, keep))
        else:
            calls.append(self._driver.delete_tree(f"{layout.UPLOADS}/{session.id}"))
        if len(pieces) > 1 and self._deletes is None:
            calls.append(self._driver.delete_tree(f"{layout.PIECES}/{session.id}"))
        else:
            files.extend(layout.upload_piece(session.id, piece.name) for piece in pieces)
        if len(files) > 1 and self._deletes is not None:
            calls.append(self._deletes.delete_files(files))
        else:
            calls.extend(map(self._driver.delete, files))
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(outcome, DriverError):
                _log.warning("left for the purge in session %s: %s", session.id, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _clear_records(self, session_id: str, keep: str) -> None:
        names = [name async for name in self._driver.list(f"{layout.UPLOADS}/{session_id}") if name != keep]
        for name in names:
            await self._driver.delete(layout.upload_record(session_id, name))

    async def _at(self, session_id: str, name: str) -> Record:
        path = layout.upload_record(session_id, name)
        try:
            content = await self._driver.get(path)
            record = await self._hashing.run(lambda: self._codec.decode(path, content), len(content))
        except (PathNotFound, RecordInvalid):
            raise RecordAbsent from None
        if record.boot != self._boot:
            raise RecordAbsent
        return record
