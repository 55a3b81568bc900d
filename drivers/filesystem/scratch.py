"""The folder of everything that is not published yet: temporary files and folders on their way out.

It is below the root, so that a rename can publish, and no verb of the driver reaches into it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drivers.filesystem.folders import Folders

LOCKS: Final = "locks"


class Scratch:
    """The scratch *folder*, a path of the system's; *new_id* returns a name that nobody has used."""

    def __init__(self, folder: str, folders: Folders, new_id: Callable[[], str]) -> None:
        self.folder: Final = folder
        self._folders: Final = folders
        self._new_id: Final = new_id

    def name(self) -> str:
        """Return a new name in the folder; nothing is there yet."""
        return f"{self.folder}/{self._new_id()}"

    def open(self, mode: int) -> tuple[int, str]:
        """Create a file with the permissions *mode*, less the umask; return its descriptor and name."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        name = self.name()
        try:
            return os.open(name, flags, mode), name
        except FileNotFoundError:
            self._folders.make(self.folder)
            return os.open(name, flags, mode), name

    @contextmanager
    def holding(self, content: bytes, mode: int, sync: Callable[[int], None]) -> Iterator[str]:
        """Have *content* in a file inside the block; *sync* makes it durable."""
        descriptor, name = self.open(mode)
        try:
            try:
                write_all(descriptor, content, 0)
                sync(descriptor)
            finally:
                os.close(descriptor)
            yield name
        finally:
            self.drop(name)

    @staticmethod
    def drop(name: str) -> None:
        """Remove a temporary file, if it has not been renamed."""
        with suppress(FileNotFoundError):
            os.unlink(name)

    def sweep(self, before: float) -> int:
        """Remove what crashed processes left and nobody has touched since *before*, in seconds since the epoch.

        Return how many were removed. What can't be, on a disk that may only be read say, does no harm.
        """
        swept = 0
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.name == LOCKS or entry.stat(follow_symlinks=False).st_ctime >= before:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        os.unlink(entry.path)
                    swept += 1
        return swept


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write *content* whole at *offset*."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
