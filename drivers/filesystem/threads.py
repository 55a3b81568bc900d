"""Where blocking calls run: a bounded pool, or at once where a thread would cost more than the call.

Refuses to know what the calls do. A job that has started is awaited to its end, also when the caller is cancelled, so
that nothing happens behind a caller's back and no descriptor is closed under a job.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FEWEST: Final = 25
"""With fewer threads than this a few slow calls would hold up everybody."""


class Threads:
    """A pool of at most *limit* threads, and the decision what need not go there.

    Args:
        limit: the most jobs that run at once; `FEWEST` if less is asked for.
        inline: whether `brief` jobs may run in the event loop.
    """

    def __init__(self, limit: int, *, inline: bool) -> None:
        self.inline: Final = inline
        self._pool: Final = ThreadPoolExecutor(max(limit, FEWEST), thread_name_prefix="filesystem")

    async def run(self, job: Callable[[], T], *, undo: Callable[[T], None] | None = None) -> T:
        """Run *job* in the pool.

        A cancelled caller takes back a job that has not started; one that has is awaited, and what it returned is
        given to *undo*.
        """
        future = self._pool.submit(job)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.cancel():
                await _ended(future)
                if undo is not None and future.exception() is None:
                    undo(future.result())
            raise

    async def brief(self, job: Callable[[], T], *, undo: Callable[[T], None] | None = None) -> T:
        """Run a *job* of a few system calls: at once where that is the cheaper, else as `run` does."""
        return job() if self.inline else await self.run(job, undo=undo)

    async def settle(self, job: Callable[[], None]) -> None:
        """Run a *job* that cleans up: like `brief`, but it is never taken back."""
        if self.inline:
            job()
            return
        future = self._pool.submit(job)
        cancelled = await _ended(future)
        future.result()
        if cancelled:
            raise asyncio.CancelledError

    def close(self) -> None:
        """Let the threads go when the last job has ended."""
        self._pool.shutdown()


async def _ended(future: Future[T]) -> bool:
    """Wait for *future* whatever happens to the caller; tell whether the caller was cancelled meanwhile."""
    cancelled = False
    waiter = asyncio.Event()
    loop = asyncio.get_running_loop()
    future.add_done_callback(lambda _: loop.call_soon_threadsafe(waiter.set))
    while not future.done():
        try:
            await waiter.wait()
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
