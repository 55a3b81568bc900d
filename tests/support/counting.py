"""What a driver was asked to do, for tests that state how many calls an operation may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.observed import observed

if TYPE_CHECKING:
    from drivers.contract import Driver


class Calls:
    """An observer that keeps the verbs in order: one for each request that an object store would get."""

    def __init__(self) -> None:
        self._verbs: list[str] = []

    def observe(self, verb: str, *, seconds: float, moved: int, error: BaseException | None, first: bool) -> None:
        """Take note; what goes on with a call is part of it."""
        del seconds, moved, error
        if first and verb != "read":
            self._verbs.append(verb)

    def taken(self) -> list[str]:
        """Return the verbs since the last time, in order."""
        taken, self._verbs = self._verbs, []
        return taken


def counted(driver: Driver) -> tuple[Driver, Calls]:
    """Return *driver* with its calls counted, and where they are counted."""
    calls = Calls()
    return observed(driver, calls), calls
