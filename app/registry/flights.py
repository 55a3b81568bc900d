"""One piece of work for all who ask for the same thing at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0


class Flights(Generic[T]):
    """Work under way, by key. Shared by everybody on one event loop; empty when nobody waits."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what *work* returns, or raise what it raises; run by the first who asks for *key*, shared by the rest.

        The work goes on while anybody waits for it. When the last one is cancelled it is cancelled too, and has ended
        when this returns.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.waiting += 1
        try:
            # Not the task itself: cancelling one of those who wait must not end it.
            await asyncio.wait((flight.task,))
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._end(key, flight)
        return flight.task.result()

    async def _end(self, key: Hashable, flight: _Flight[T]) -> None:
        """Nobody waits any more: nobody may join, and nothing goes on."""
        del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait((flight.task,))
        if not flight.task.cancelled():
            flight.task.exception()  # if it failed, whoever was cancelled does not hear of it
