"""A driver that tells an observer what it does: verbs, seconds, bytes, errors. Where these go is not known here."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from drivers.wrapped import Meter, wrap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from drivers.contract import Driver


class Observer(Protocol):
    """Who wants to know. Called in the event loop, after each step."""

    def observe(self, verb: str, *, seconds: float, moved: int, error: BaseException | None, first: bool) -> None:
        """Take note of one step towards the backend.

        Args:
            verb: as `drivers.wrapped.Around` has it.
            seconds: how long it took.
            moved: bytes of content that were read or written.
            error: what it raised; a cancellation is told of, too. None if it succeeded.
            first: false when it goes on with a call that was told of.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Watch:
    observer: Observer
    clock: Callable[[], float]

    @asynccontextmanager
    async def step(self, verb: str, *, first: bool) -> AsyncGenerator[Meter]:
        meter = Meter()
        began = self.clock()
        try:
            yield meter
        except BaseException as error:
            self._tell(verb, began, meter, first=first, error=error)
            raise
        else:
            self._tell(verb, began, meter, first=first, error=None)

    def _tell(self, verb: str, began: float, meter: Meter, *, first: bool, error: BaseException | None) -> None:
        seconds = self.clock() - began
        self.observer.observe(verb, seconds=seconds, moved=meter.moved, error=error, first=first)


def observed(driver: Driver, observer: Observer, *, clock: Callable[[], float] = time.perf_counter) -> Driver:
    """Return *driver*, with the same powers, watched by *observer*; *clock* counts seconds."""
    return wrap(driver, _Watch(observer, clock))
