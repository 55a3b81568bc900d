"""A session's bytes on an object store: pieces that never change, and a tail that travels in the record."""

from __future__ import annotations

from collections import deque
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from app.registry import layout
from app.registry.records import Piece
from drivers.contract import Part, Version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.registry.records import Record
    from drivers.contract import Driver, FileWriter, SupportsCompose


class TailRoom:
    """Memory for the tails of all requests. Nobody waits for it, because what is no tail can be a piece."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> bool:
        """Whether there was room for *size* bytes, which is now taken."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give(self, size: int) -> None:
        """Give back *size* bytes."""
        self._free += size


class ImmutablePieces:
    """An `app.registry.staging.Stage` that adds at most one piece.

    Args:
        driver: where the pieces are.
        compose: the driver's power to put them together.
        session_id: the session's.
        record: what is acknowledged; ``None``: nothing is.
        name: what a new piece is called; nobody else uses it.
        room: memory for the tail.
        limit: the most bytes that stay in the tail; what is more goes into a piece.
        size: how many bytes are likely to be added; ``None``: nobody knows.
    """

    def __init__(
        self,
        driver: Driver,
        compose: SupportsCompose,
        session_id: str,
        record: Record | None,
        name: str,
        *,
        room: TailRoom,
        limit: int,
        size: int | None,
    ) -> None:
        self._driver = driver
        self._compose = compose
        self._session_id = session_id
        self._acknowledged = () if record is None else record.pieces
        self._pieces = self._acknowledged
        self._tail = deque([record.tail] if record is not None and record.tail else [])
        self._held = sum(map(len, self._tail))
        self._name = name
        self._room = room
        self._taken = 0
        self._limit = limit
        self._likely = None if size is None else self._held + size
        self._open_piece = AsyncExitStack()
        self._writer: FileWriter | None = None
        self._stored = False
        self._kept = False

    async def open(self) -> None:
        """Nothing here can be changed by others."""

    async def write(self, chunk: bytes, /) -> None:
        if self._writer is None and self._stays(len(chunk)):
            self._tail.append(chunk)
            self._held += len(chunk)
            return
        if self._writer is None:
            piece = self._driver.writer(self._path(self._name), size=self._likely)
            self._writer = await self._open_piece.enter_async_context(piece)
            while self._tail:
                await self._writer.write(self._tail.popleft())
            self._held = 0
            self._leave_room()
        await self._writer.write(chunk)

    async def seal(self) -> tuple[tuple[Piece, ...], bytes]:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            version = await writer.commit()
            self._stored = True
            self._pieces = (*self._pieces, Piece(self._name, writer.size, version))
        tail = self._tail[0] if len(self._tail) == 1 else b"".join(self._tail)
        self._tail = deque([tail])  # it is large: one copy of it is enough
        return self._pieces, tail

    def keep(self) -> None:
        self._kept = True

    def drop(self) -> None:
        self._kept = False

    async def read(self) -> AsyncIterator[bytes]:
        pieces, tail = await self.seal()
        for piece in pieces:
            async with self._driver.reader(self._path(piece.name), length=piece.size) as chunks:
                async for chunk in chunks:
                    yield chunk
        if tail:
            yield tail

    async def publish(self, target: str, /) -> None:
        pieces, tail = await self.seal()
        parts = [Part(self._path(piece.name), piece.size, Version(piece.version)) for piece in pieces]
        await self._compose.compose(target, parts, tail)

    def leftovers(self) -> tuple[Piece, ...]:
        return self._acknowledged

    async def close(self) -> None:
        self._leave_room()
        await self._open_piece.aclose()
        if self._stored and not self._kept:
            await self._driver.delete(self._path(self._name))

    def _stays(self, more: int) -> bool:
        """Whether *more* bytes can join the tail; what will outgrow it anyway need not wait in it."""
        if max(self._held + more, self._likely or 0) > self._limit or not self._room.take(more):
            return False
        self._taken += more
        return True

    def _leave_room(self) -> None:
        self._room.give(self._taken)
        self._taken = 0

    def _path(self, name: str) -> str:
        return layout.upload_piece(self._session_id, name)
