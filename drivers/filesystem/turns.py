"""Waiting in line for a name inside one process, so that only the first in line asks the file system's lock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from drivers.errors import Busy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class _Line:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.people = 0


class Turns:
    """One holder for each name at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._lines: Final[dict[str, _Line]] = {}

    @asynccontextmanager
    async def take(self, name: str, deadline: float) -> AsyncGenerator[None]:
        """Have the turn for *name* inside the block.

        Raises:
            Busy: on entering: it had not come by *deadline*, a time of the event loop.
        """
        line = self._lines.setdefault(name, _Line())
        line.people += 1
        try:
            try:
                async with asyncio.timeout_at(deadline):
                    await line.lock.acquire()
            except TimeoutError:
                raise Busy(name) from None
            try:
                yield
            finally:
                line.lock.release()
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[name]
