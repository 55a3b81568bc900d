"""Work that is not left half-way: a cancelled caller waits for the end of what it began."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def settled(work: Coroutine[None, None, T]) -> T:
    """Run *work* to its end, also when the caller is cancelled; then raise the cancellation.

    A request that was sent may be carried out though nobody waits for its answer: a write that is cancelled and one
    that is begun afterwards would race.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # looked at, or the loop complains that nobody did
        raise
