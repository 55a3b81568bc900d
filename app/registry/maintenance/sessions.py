"""The purge of our own upload sessions, so that no request can be half a winner against it.

Where the store can create only, a session is first *closed*: a record that says so is created where the next one would
be. From then on no request is acknowledged any more, from whatever Location it started, so the bytes can go: the other
records are replaced by such ones, so that their places stay taken, and the pieces are removed. A request that created
its record before keeps its session whole, because then closing fails. What says "closed" stays until it is as old as a
session may get itself, for requests that began before and end late. `tests/support/upload_purges.py` tries every order
of events.

Elsewhere nothing can be closed; there only the age protects a session in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from app.registry import layout
from app.registry.maintenance.report import Report
from app.registry.records import Record, RecordInvalid
from app.registry.together import together
from drivers.errors import Conflict, PathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from app.registry.maintenance.changes import Changes
    from app.registry.records import RecordCodec
    from drivers.contract import Driver, FileInfo, SupportsCompareAndSwap

_LARGEST_CLOSED: Final = 1024  # bytes; a record that says "closed" is never larger
_NOTHING: Final = Report()


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a session has in storage: its *pieces*, the records that say it is *closed*, and those that are *open*.

    Records are ordered, the newest first.
    """

    pieces: tuple[FileInfo, ...]
    open: tuple[FileInfo, ...]
    closed: tuple[FileInfo, ...] = ()


class Sessions:
    """The upload sessions of one store.

    Args:
        driver: where they are.
        codec: how their records are written.
        swap: the driver's power to create only, if the uploads use it.
        new_id: makes nonces.
    """

    def __init__(
        self, driver: Driver, codec: RecordCodec, *, swap: SupportsCompareAndSwap | None, new_id: Callable[[], str]
    ) -> None:
        self._driver = driver
        self._codec = codec
        self._swap = swap
        self._new_id = new_id

    async def ids(self) -> list[str]:
        """Name every session that has a record or a piece. Two listings.

        Raises:
            DriverError: they can't be listed.
        """
        found: set[str] = set()
        for folder in (layout.UPLOADS, layout.PIECES):
            try:
                found.update([name async for name in self._driver.list(folder)])
            except PathNotFound:
                continue
        return sorted(found)

    async def purge(self, session_id: str, before: datetime, changes: Changes) -> Report:
        """Remove what the session has stored if nothing of it was accepted since *before*. Two listings if it was.

        Raises:
            DriverError: it could not be looked at, or not be removed whole; once more is safe.
        """
        # The pieces first: if another purge has just removed them, the records that are found say so.
        pieces = [file async for file in self._driver.walk(f"{layout.PIECES}/{session_id}")]
        if any(file.modified > before for file in pieces):
            return _NOTHING
        records = [file async for file in self._driver.walk(f"{layout.UPLOADS}/{session_id}")]
        stored = await self._tell_apart(tuple(pieces), sorted(records, key=_offset, reverse=True))
        if any(file.modified > before for file in stored.open):
            return _NOTHING
        used = (*stored.pieces, *stored.open)
        if not used:
            return await self._forget(stored.closed, before, changes)
        if self._swap is not None and not await self._close(session_id, stored, self._swap, before, changes):
            return _NOTHING
        if stored.pieces:
            await changes.delete_tree(f"{layout.PIECES}/{session_id}")
        if self._swap is None:
            await together(changes.delete, [file.path for file in stored.open])
        return _removed(used, sessions=1)

    async def _forget(self, closed: tuple[FileInfo, ...], before: datetime, changes: Changes) -> Report:
        if any(file.modified > before for file in closed):
            return _NOTHING
        await together(changes.delete, [file.path for file in closed])
        return _removed(closed)

    async def _tell_apart(self, pieces: tuple[FileInfo, ...], records: list[FileInfo]) -> _Stored:
        # A session is closed at its end first, so if that is open, all is.
        if not records or not await self._is_closed(records[0]):
            return _Stored(pieces, tuple(records))
        closed = [True, *await together(self._is_closed, records[1:])]
        return _Stored(
            pieces,
            tuple(record for record, is_closed in zip(records, closed, strict=True) if not is_closed),
            tuple(record for record, is_closed in zip(records, closed, strict=True) if is_closed),
        )

    async def _is_closed(self, file: FileInfo) -> bool:
        if self._swap is None or file.size > _LARGEST_CLOSED:
            return False
        try:
            return (await self._read(file.path)).closed
        except RecordInvalid:
            return False

    async def _read(self, path: str) -> Record:
        return self._codec.decode(path, await self._driver.get(path))

    async def _close(
        self, session_id: str, stored: _Stored, swap: SupportsCompareAndSwap, before: datetime, changes: Changes
    ) -> bool:
        """Make sure that nobody is acknowledged any more; return false if somebody was meanwhile."""
        closed = Record(repository="", nonce=self._new_id(), started=before, closed=True)
        if not stored.closed:
            name = "0"
            if stored.open:
                try:
                    newest = await self._read(stored.open[0].path)
                except RecordInvalid:
                    name = ""  # what can't be read can't be followed, and is where the next one would be
                else:
                    name = str(newest.offset)
                    closed = msgspec.structs.replace(closed, repository=newest.repository, boot=newest.boot)
            path = layout.upload_record(session_id, name)
            try:
                if name:
                    await changes.create(swap, path, self._codec.encode(path, closed))
            except Conflict:
                return False
        await together(lambda file: changes.put(file.path, self._codec.encode(file.path, closed)), stored.open)
        return True


def _offset(record: FileInfo) -> int:
    name = record.path.rpartition("/")[2]
    return int(name) if name.isdecimal() else -1


def _removed(files: Sequence[FileInfo], *, sessions: int = 0) -> Report:
    return Report(sessions if files else 0, len(files), sum(file.size for file in files))
