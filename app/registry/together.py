"""The same small step for many things at once, but not for too many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 32  # steps of one request that run together


async def together(step: Callable[[T], Awaitable[R]], items: Sequence[T], *, at_once: int = AT_ONCE) -> list[R]:
    """Run *step* for each of *items*, *at_once* of them together, and return the results in order.

    Whatever happens, no step is still running afterwards. If steps fail, the first failure in the order of *items* is
    raised, and no further ones are begun.
    """
    results: list[R] = []
    for start in range(0, len(items), at_once):
        batch = items[start : start + at_once]
        for outcome in await asyncio.gather(*(step(item) for item in batch), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
    return results
