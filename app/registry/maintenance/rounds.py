"""The same work again and again in the background of a block, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_log = logging.getLogger(__name__)


@asynccontextmanager
async def rounds(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    first: float,
    interval: float,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Do *work*, called *name* in the log, after *first* seconds and then every *interval* seconds, inside the block.

    A round that fails is logged, and the next one comes in its time. On leaving the block a round that is under way is
    cancelled and waited for. *pause* waits for some seconds.
    """

    async def repeat() -> None:
        await pause(first)
        while True:
            try:
                await work()
            except Exception:  # noqa: BLE001 - one bad round must not be the last one, nor end who serves
                _log.exception("%s failed; it is tried again in %g s", name, interval)
            await pause(interval)

    task = asyncio.create_task(repeat(), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
