"""A session's bytes on disk: one file that grows, by one request at a time."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from app.registry import layout
from app.registry.records import Piece
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.registry.records import Record
    from drivers.contract import Driver, Extension, SupportsExtend


class GrowingPiece:
    """An `app.registry.staging.Stage` whose file is held under its lock from the first step until `close`.

    Args:
        driver: where the file is.
        extend: the driver's power to extend it.
        session_id: the session's.
        record: what is acknowledged; ``None``: nothing is.
        name: what a new file is called; nobody else uses it.
        newest: raises if the session went on without us; asked under the lock.
        wait: seconds to wait for the lock.
    """

    def __init__(
        self,
        driver: Driver,
        extend: SupportsExtend,
        session_id: str,
        record: Record | None,
        name: str,
        newest: Callable[[], Awaitable[None]],
        *,
        wait: float,
    ) -> None:
        self._driver = driver
        self._extend = extend
        self._created = record is None
        self._piece = Piece(name, 0) if record is None else record.pieces[-1]
        self._path = layout.upload_piece(session_id, self._piece.name)
        self._newest = newest
        self._wait = wait
        self._lock = AsyncExitStack()
        self._opened = False
        self._held: Extension | None = None
        self._kept = not self._created
        self._published = False

    async def open(self) -> None:
        await self._hold()

    async def write(self, chunk: bytes, /) -> None:
        held = await self._hold()
        await held.write(chunk)

    async def seal(self) -> tuple[tuple[Piece, ...], bytes]:
        held = await self._hold()
        return (Piece(self._piece.name, held.size),), b""

    def keep(self) -> None:
        self._kept = True

    def drop(self) -> None:
        self._kept = not self._created  # never a file that was only extended

    async def read(self) -> AsyncIterator[bytes]:
        held = await self._hold()
        async with self._driver.reader(self._path, length=held.size) as chunks:
            async for chunk in chunks:
                yield chunk

    async def publish(self, target: str, /) -> None:
        held = await self._hold()
        await held.publish(target)
        self._published = True

    def leftovers(self) -> tuple[Piece, ...]:
        return () if self._created or self._published else (self._piece,)

    async def close(self) -> None:
        await self._lock.aclose()
        if self._opened and not self._kept and not self._published:
            await self._driver.delete(self._path)

    async def _hold(self) -> Extension:
        """Hold the file, cut to what is acknowledged: a request that died may have left more."""
        if self._held is None:
            context = self._extend.extend(self._path, create=self._created, wait=self._wait)
            held = await self._lock.enter_async_context(context)
            self._opened = True
            await self._newest()
            if held.size < self._piece.size:
                raise PathNotFound(self._path)
            await held.truncate(self._piece.size)
            self._held = held
        return self._held
