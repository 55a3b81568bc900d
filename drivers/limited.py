"""A driver that lets only so many steps towards the backend run at once; the others wait in line."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.wrapped import Meter, wrap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.contract import Driver


@dataclass(frozen=True, slots=True)
class _Limit:
    slots: asyncio.Semaphore

    @asynccontextmanager
    async def step(self, verb: str, *, first: bool) -> AsyncGenerator[Meter]:
        del first
        if verb == "extend":
            # It may wait for a holder who needs a slot to get done.
            yield Meter()
            return
        async with self.slots:
            yield Meter()


def limited(driver: Driver, most: int) -> Driver:
    """Return *driver*, with the same powers, but at most *most* steps at a time.

    A slot is held for one step, never between the chunks of a stream: a slow reader holds up nobody, and a task that
    reads one file while it writes another needs no two slots.
    """
    return wrap(driver, _Limit(asyncio.Semaphore(most)))
