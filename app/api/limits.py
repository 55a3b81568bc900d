"""What many requests share: memory for bodies in flight, and turns to upload.

Both are given out first come, first served. Who gets none waits, which stops the reading from that client's socket;
nobody is refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class ByteBudget:
    """Bytes that can be reserved. A reservation larger than all of it counts as all of it.

    Reserve once, before reading: who reserves more while holding some can wait for himself.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Bytes that nobody holds."""
        return self._free

    @asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Hold *size* bytes inside the block, waiting for them first. Cancellation gives everything back."""
        size = min(size, self._total)
        await self._acquire(size)
        try:
            yield
        finally:
            self._release(size)

    async def _acquire(self, size: int) -> None:
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled while waiting, the turn is skipped, and who waited behind may fit; or it had just been given.
            self._release(0 if turn.cancelled() else size)
            raise

    def _release(self, size: int) -> None:
        self._free += size
        while self._waiting:
            wanted, turn = self._waiting[0]
            if wanted > self._free and not turn.done():
                return
            self._waiting.popleft()
            if not turn.done():
                self._free -= wanted
                turn.set_result(None)


class Limits:
    """The two limits of one process."""

    def __init__(self, *, body_memory: int, uploads: int) -> None:
        self.memory = ByteBudget(body_memory)
        self.uploads = asyncio.Semaphore(uploads)
