"""A sick server is left alone for a while. Knows time and outcomes, nothing of what is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class Breaker:
    """Says whether to ask, from what came of asking before.

    After *failures* in a row it is open: nobody asks for *rest* seconds. Then one may try, alone; if that fails too,
    the rest is twice as long as the last, up to *longest*. A success closes it.

    Args:
        failures: in a row, until it opens.
        rest: seconds of the first rest.
        longest: seconds of any rest.
        trial: seconds after which a trial of which nothing was heard counts as failed.
        clock: seconds that only ever grow.
    """

    __slots__ = ("_clock", "_failed", "_failures", "_longest", "_rest", "_shortest", "_trial", "_trying", "_until")

    def __init__(
        self,
        *,
        failures: int = 5,
        rest: float = 1.0,
        longest: float = 30.0,
        trial: float = 1.0,
        clock: Callable[[], float],
    ) -> None:
        self._failures: Final = failures
        self._shortest: Final = rest
        self._longest: Final = longest
        self._trial: Final = trial
        self._clock = clock
        self._failed = 0
        self._rest = rest
        self._until = 0.0
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether the server counts as sick."""
        return self._failed >= self._failures

    def admits(self) -> bool:
        """Whether to ask now. Who is told to must say how it went, by `succeeded` or `failed`."""
        if not self.open:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._trying = True
        self._until = now + self._trial  # nobody else meanwhile
        return True

    def succeeded(self) -> None:
        """Tell that the server answered."""
        self._failed = 0
        self._rest = self._shortest
        self._trying = False

    def failed(self) -> None:
        """Tell that it did not, or too late."""
        if self.open:
            if not self._trying:
                return  # asked before it opened: no news
            self._rest = min(self._rest * 2, self._longest)
        self._trying = False
        self._failed += 1
        if self.open:
            self._until = self._clock() + self._rest
