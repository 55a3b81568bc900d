"""How many requests may wait for the store at a time: halved when it asks to slow down, won back one by one."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_LEAST: Final = 4


class Pace:
    """A gate that is first come, first served.

    Args:
        most: requests at a time while all is well.
    """

    def __init__(self, most: int) -> None:
        self._most: Final = float(most)
        self._limit = self._most
        self._inside = 0
        self._queue: Final[deque[asyncio.Future[None]]] = deque()

    @property
    def limit(self) -> int:
        """Requests at a time, now."""
        return int(self._limit)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a place and hold it inside the block."""
        await self._enter()
        try:
            yield
        finally:
            self._inside -= 1
            self._admit()

    def slower(self) -> None:
        """The store has asked for fewer."""
        self._limit = max(min(_LEAST, self._most), self._limit / 2)

    def faster(self) -> None:
        """A request has succeeded: as many of them as there are places make one place more."""
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)

    async def _enter(self) -> None:
        if not self._queue and self._inside < self.limit:
            self._inside += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # admitted and cancelled in the same turn of the loop
                self._inside -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._queue and self._inside < self.limit:
            place = self._queue.popleft()
            if not place.done():
                self._inside += 1
                place.set_result(None)
