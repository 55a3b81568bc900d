"""A driver that is away for one step, chosen by number: the step does not happen, or happens and its answer is lost.

Either way the failure may be told, or the request hangs there until it is cancelled.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.errors import Unavailable
from drivers.wrapped import Meter, wrap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.contract import Driver


class Away(Unavailable):
    """The fault of this module, and no other."""


@dataclass
class Fault:
    """Which step fails.

    Attributes:
        at: its number, counted from 1; 0: none.
        lost: whether it happens all the same.
        hangs: whether nothing is ever heard of it.
        reached: set when it fails.
        steps: how many steps there were.
        struck: what failed; empty: nothing yet.
    """

    at: int = 0
    lost: bool = False
    hangs: bool = False
    steps: int = 0
    struck: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def step(self, verb: str, *, first: bool) -> AsyncGenerator[Meter]:
        """Take a step; see `drivers.wrapped.Around`."""
        del first
        self.steps += 1
        strikes = self.steps == self.at
        if strikes:
            self.struck = verb
            if not self.lost:
                await self._fail()
        yield Meter()
        if strikes:
            await self._fail()

    async def _fail(self) -> None:
        self.reached.set()
        if self.hangs:
            await asyncio.Event().wait()
        raise Away(f"{self.struck} failed")


def faulty(driver: Driver) -> tuple[Driver, Fault]:
    """Return *driver* with the same powers, and what decides which of its steps fails."""
    fault = Fault()
    return wrap(driver, fault), fault
