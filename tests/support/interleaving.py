"""Two pieces of work on one store, in every order of their driver calls that few switches between them allow.

Each runs in a process of its own. A switch happens before a driver call, which is where two processes can meet.
"""

from __future__ import annotations

import asyncio
import itertools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.watched import Call

_ACTOR: Final[ContextVar[int | None]] = ContextVar("actor", default=None)


async def in_every_order(run: Callable[[Turns], Awaitable[None]], *, most: int = 8, switches: int = 3) -> None:
    """Await *run* with each order of two pieces of work that it may let go on in turn.

    Args:
        run: prepares a store, lets the turns decide, and looks at what came of it.
        most: calls that one gets before the other goes on.
        switches: after that many, each goes on to its end.
    """
    ends: dict[tuple[int, ...], int] = {}
    for count in range(1, switches + 1):
        for schedule in itertools.product(range(1, most + 1), repeat=count):
            if any(schedule[place] > ends.get(schedule[:place], most) for place in range(count)):
                continue  # the same as one that was tried: the work ended before the switch
            turns = Turns(schedule)
            await run(turns)
            if turns.unspent:
                place = count - len(turns.unspent)
                ends[schedule[:place]] = schedule[place] - turns.unspent[0]


class Turns:
    """Lets two pieces of work go on in turn.

    Args:
        schedule: calls of the first, then of the second, then of the first again, and so on.

    Attributes:
        unspent: what is left of it.
    """

    def __init__(self, schedule: tuple[int, ...]) -> None:
        self.schedule: Final = schedule
        self.unspent: Final = list(schedule)
        self._actor = 0
        self._ended: Final = [False, False]
        self._changed: Final = asyncio.Condition()

    async def before(self, call: Call) -> None:
        """Wait for the turn of whoever calls; for `tests.support.watched.WatchedDriver.before`."""
        del call
        actor = _ACTOR.get()
        if actor is None:
            return
        async with self._changed:
            while not self._may_go(actor):
                await self._changed.wait()

    def _may_go(self, actor: int) -> bool:
        if self._ended[1 - actor]:
            return True
        while self.unspent and self.unspent[0] == 0:
            self.unspent.pop(0)
            self._actor = 1 - self._actor
            self._changed.notify_all()
        if actor != self._actor:
            return False
        if self.unspent:
            self.unspent[0] -= 1
        return True

    async def run(self, *work: Callable[[], Awaitable[None]]) -> list[BaseException | None]:
        """Run both and return what each raised."""
        return await asyncio.gather(*(self._one(number, one) for number, one in enumerate(work)))

    async def _one(self, number: int, work: Callable[[], Awaitable[None]]) -> BaseException | None:
        _ACTOR.set(number)
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # the test says what each may raise
            return error
        finally:
            async with self._changed:
                self._ended[number] = True
                self._changed.notify_all()
        return None
