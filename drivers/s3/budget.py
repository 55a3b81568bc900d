"""Bytes of parts in memory, for all uploads together."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final


class ByteBudget:
    """Room for so many bytes; who waits is served first come, first served.

    Reserve what a whole part needs before its first byte: uploads that grow their reservations step by step would
    wait for each other for ever.
    """

    def __init__(self, size: int) -> None:
        self._size: Final = size
        self._free = size
        self._queue: Final[deque[tuple[int, asyncio.Future[None]]]] = deque()

    @property
    def free(self) -> int:
        """Bytes that nobody has."""
        return self._free

    async def reserve(self, size: int) -> int:
        """Wait for room; return how much to give back, which is no more than there is."""
        wanted = min(size, self._size)
        if not self._queue and wanted <= self._free:
            self._free -= wanted
            return wanted
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((wanted, room))
        try:
            await room
        except asyncio.CancelledError:
            if room.done() and not room.cancelled():  # served and cancelled in the same turn of the loop
                self.release(wanted)
            else:
                self._serve()
            raise
        return wanted

    def release(self, size: int) -> None:
        """Give back *size* bytes."""
        self._free += size
        self._serve()

    def _serve(self) -> None:
        while self._queue:
            wanted, room = self._queue[0]
            if not room.done():
                if wanted > self._free:
                    return
                self._free -= wanted
                room.set_result(None)
            self._queue.popleft()
