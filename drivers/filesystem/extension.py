"""A file that grows in place, by one holder at a time among all processes of the host.

The lock is flock(2) on the file itself and goes with its descriptor: a process that dies gives it back. Who has got it
looks whether the name still is this file; the last holder may have published it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from drivers.errors import Busy, Conflict, InvalidOffset, PathNotFound
from drivers.filesystem.faults import reading, writing
from drivers.filesystem.scratch import write_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from drivers.filesystem.folders import Folders
    from drivers.filesystem.publish import Publisher
    from drivers.filesystem.threads import Threads
    from drivers.filesystem.turns import Turns

_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.1
_ATTEMPTS: Final = 1000


class HeldFile:
    """An open file under its lock: what `drivers.contract.Extension` promises."""

    def __init__(
        self,
        path: str,
        real: str,
        descriptor: int,
        *,
        threads: Threads,
        folders: Folders,
        publisher: Publisher,
        locate: Callable[[str], str],
    ) -> None:
        self._path: Final = path
        self._real: Final = real
        self._descriptor: Final = descriptor
        self._threads: Final = threads
        self._folders: Final = folders
        self._publisher: Final = publisher
        self._locate: Final = locate
        self._size = os.fstat(descriptor).st_size

    @property
    def size(self) -> int:
        return self._size

    async def truncate(self, size: int, /) -> None:
        if not 0 <= size <= self._size:
            raise InvalidOffset(self._path, size)
        if size < self._size:
            await self._threads.brief(lambda: self._truncate(size))

    async def write(self, chunk: bytes, /) -> None:
        await self._threads.run(lambda: self._write(chunk))

    async def publish(self, target: str, /) -> None:
        real = self._locate(target)
        await self._threads.run(lambda: self._publish(target, real))

    def _truncate(self, size: int) -> None:
        with writing(self._path):
            os.ftruncate(self._descriptor, size)
        self._size = size

    def _write(self, chunk: bytes) -> None:
        try:
            with writing(self._path):
                write_all(self._descriptor, chunk, self._size)
        finally:
            # Also when the disk filled up half-way: what is there stays, and is what the size says.
            self._size = os.fstat(self._descriptor).st_size

    def _publish(self, target: str, real: str) -> None:
        def check() -> None:
            _expect_name(self._path, self._real, self._descriptor)

        with writing(target):
            try:
                self._folders.sync_file(self._descriptor)
            except OSError:
                # The system tells of lost bytes once and calls them safe from then on: nobody may ask a second time.
                with suppress(OSError, PathNotFound):
                    self._publisher.remove(self._real, check=check)
                raise
            try:
                self._publisher.move(self._real, real, check=check)
            except FileNotFoundError:
                raise PathNotFound(self._path) from None


@asynccontextmanager
async def hold(
    path: str, real: str, opened: Callable[[], int], wait: float, *, threads: Threads, turns: Turns
) -> AsyncGenerator[int]:
    """Hold a file under its lock inside the block and hand out its descriptor.

    Args:
        path: the driver's path.
        real: the system's.
        opened: opens the file: `open_old` or `open_new`.
        wait: seconds to wait for another holder.
        threads: where calls run.
        turns: who is next in this process.

    Raises:
        PathNotFound: it is absent, or another file by now.
        Busy: somebody held it all the time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    async with turns.take(path, deadline):
        descriptor = await threads.brief(opened, undo=os.close)
        try:
            pause = _FIRST_PAUSE
            # Asked again and again: a thread that waits in flock(2) could not be called back.
            while not await threads.brief(lambda: _try_lock(path, descriptor)):
                left = deadline - loop.time()
                if left <= 0:
                    raise Busy(path)
                await asyncio.sleep(min(pause, left))
                pause = min(pause * 2, _LONGEST_PAUSE)
            await threads.brief(lambda: _expect_name(path, real, descriptor))
            yield descriptor
        finally:
            await threads.settle(lambda: os.close(descriptor))


def open_old(path: str, real: str) -> int:
    """Open a file that is there and return its descriptor."""
    with reading(path):
        return os.open(real, _FLAGS)


def open_new(path: str, real: str, mode: int, folders: Folders) -> int:
    """Create an empty file and return its descriptor.

    Raises:
        Conflict: it exists.
    """
    with writing(path):
        for _ in range(_ATTEMPTS):
            try:
                return os.open(real, _FLAGS | os.O_CREAT | os.O_EXCL, mode)
            except FileNotFoundError:
                folders.make(os.path.dirname(real))
            except FileExistsError:
                raise Conflict(path) from None
        raise Busy(path)


def _try_lock(path: str, descriptor: int) -> bool:
    """Take the lock if it is free."""
    with writing(path):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _expect_name(path: str, real: str, descriptor: int) -> None:
    """Make sure that the name *real* is that of the open file.

    Raises:
        PathNotFound: it is not.
    """
    with reading(path):
        if not os.path.samestat(os.stat(real), os.fstat(descriptor)):
            raise PathNotFound(path)
