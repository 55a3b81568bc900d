"""Short locks on paths, between the threads and processes of one host.

One is held from looking at a file until its name has been changed, never while anything is written or synced. Paths
share a fixed number of lock files by a hash, so there is nothing to clean up.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.filesystem.folders import Folders

_FILES: Final = 256


class PathLocks:
    """Exclusive locks whose files are in *folder*."""

    def __init__(self, folder: str, folders: Folders) -> None:
        self._folder: Final = folder
        self._folders: Final = folders

    @contextmanager
    def hold(self, *paths: str) -> Iterator[None]:
        """Hold the locks of *paths*. Blocks, as long as others change a name."""
        with ExitStack() as held:
            # In the order of their numbers, and each once: so nobody waits in a ring.
            for number in sorted({zlib.crc32(path.encode()) % _FILES for path in paths}):
                lock = self._open(number)
                held.callback(os.close, lock)  # which gives the lock back
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open(self, number: int) -> int:
        name = f"{self._folder}/{number:02x}"
        try:
            return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            self._folders.make(self._folder)
            return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
