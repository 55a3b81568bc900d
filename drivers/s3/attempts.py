"""Requests are tried again, with jitter, within a budget; then the store counts as unavailable.

The only retries there are: the SDK's are off.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from drivers.errors import Unavailable
from drivers.s3.faults import TransientError, translate
from drivers.s3.settled import settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from drivers.s3.pace import Pace

T = TypeVar("T")

_FIRST_DELAY: Final = 0.1
_LAST_DELAY: Final = 3.0


@dataclass(slots=True)
class Tries:
    """How many attempts at a request have failed before the last; each may have been carried out."""

    failed: int = 0


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often to try.

    Attributes:
        pace: where each attempt waits for its turn.
        budget: seconds after the first attempt in which another may begin.
        clock: seconds that only grow.
        jitter: a number from 0 to 1, another each time.
    """

    pace: Pace
    budget: float
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    async def run(
        self,
        path: str,
        call: Callable[[], Awaitable[T]],
        *,
        seconds: float | None,
        settle: bool = False,
        tries: Tries | None = None,
    ) -> T:
        """Return what *call* returns.

        Args:
            path: what the request is about.
            call: makes the request once.
            seconds: how long one attempt may take.
            settle: a cancellation waits for the end of an attempt that has begun.
            tries: told of attempts that have failed.

        Raises:
            Unavailable: no attempt succeeded in time.
        """
        began = self.clock()
        number = 0
        while True:
            try:
                async with self.pace.turn():
                    attempt = self._once(path, call, seconds)
                    answer = await (settled(attempt) if settle else attempt)
            except TransientError as error:
                if error.pushed_back:
                    self.pace.slower()
                delay = min(_LAST_DELAY, _FIRST_DELAY * 2**number) * (0.5 + self.jitter())
                if self.clock() + delay - began > self.budget:
                    raise Unavailable(str(error), retry_after=2.0 + 6.0 * self.jitter()) from error
            else:
                self.pace.faster()
                return answer
            await asyncio.sleep(delay)
            number += 1
            if tries is not None:
                tries.failed = number

    @staticmethod
    async def _once(path: str, call: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await call()
        except Exception as error:
            meaning = translate(error, path)
            if meaning is error:
                raise
            raise meaning from error
