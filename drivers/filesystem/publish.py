"""How a name appears, moves and goes: at once for all who look, and durable before it is acknowledged.

To publish is: bytes synced, name changed under the path's lock, every changed folder synced. A reader sees the old
file or the new one, whole.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.filesystem.folders import Folders
    from drivers.filesystem.locks import PathLocks
    from drivers.filesystem.scratch import Scratch

_ATTEMPTS: Final = 1000


def _nothing() -> None:
    """Ask nothing of what is there."""


class Publisher:
    """Changes of names below one root. All paths here are the system's."""

    def __init__(self, folders: Folders, locks: PathLocks, scratch: Scratch) -> None:
        self._folders: Final = folders
        self._locks: Final = locks
        self._scratch: Final = scratch

    def replace(self, source: str, target: str, *, check: Callable[[], None] = _nothing) -> None:
        """Give the temporary file *source* the name *target*, if *check*, under the lock, does not raise."""
        self._place(os.rename, source, target, (target,), check)
        self._folders.sync([os.path.dirname(target)])

    def create(self, source: str, target: str, *, durable: bool) -> None:
        """Give the temporary file *source* the name *target*.

        Raises:
            FileExistsError: somebody has it.
        """
        # link(2) can't replace, whoever else writes; so it needs no lock.
        self._place(os.link, source, target, (), _nothing)
        if durable:
            self._folders.sync([os.path.dirname(target)])

    def move(self, source: str, target: str, *, check: Callable[[], None] = _nothing) -> None:
        """Rename a published file.

        Raises:
            FileNotFoundError: *source* is absent.
        """
        self._place(os.rename, source, target, (source, target), check)
        # The old name too has to be gone for good: were it to come back, two names would share the bytes.
        self._folders.sync([os.path.dirname(target), self._folders.prune(os.path.dirname(source))])

    def remove(self, target: str, *, check: Callable[[], None] = _nothing) -> None:
        """Remove a file and the folders that are empty without it, if *check*, under the lock, does not raise."""
        with self._locks.hold(target):
            check()
            try:
                os.unlink(target)
            except FileNotFoundError:
                pass  # whoever removed it may have died before it synced that, or pruned
            except (NotADirectoryError, IsADirectoryError):
                return
        # A folder that was removed needs no sync: it is the entry above it that has changed.
        self._folders.sync([self._folders.prune(os.path.dirname(target))])

    def remove_tree(self, folder: str) -> None:
        """Remove a folder with all that is in it, but never the scratch."""
        if f"{self._scratch.folder}/".startswith(f"{folder}/"):
            self._empty(folder)
            return
        # All of it disappears at once; what a crash leaves in the scratch is swept at the next start.
        out = self._scratch.name()
        try:
            os.rename(f"{folder}/", out)  # the slash lets nothing but a folder go
        except (FileNotFoundError, NotADirectoryError):
            if not os.path.isdir(folder):
                return
            self._folders.make(self._scratch.folder)  # somebody has tidied it away
            os.rename(f"{folder}/", out)
        self._folders.sync([self._folders.prune(os.path.dirname(folder))])
        shutil.rmtree(out, ignore_errors=True)

    def _empty(self, folder: str) -> None:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.path == self._scratch.folder:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self.remove_tree(entry.path)
                else:
                    self.remove(entry.path)

    def _place(
        self,
        name: Callable[[str, str], None],
        source: str,
        target: str,
        locked: tuple[str, ...],
        check: Callable[[], None],
    ) -> None:
        """Let *name* give *source* its new name."""
        for _ in range(_ATTEMPTS):
            try:
                with self._locks.hold(*locked):
                    check()
                    name(source, target)
            except FileNotFoundError:
                if not os.path.lexists(source):
                    raise
                # The folder is not there yet, or was pruned between its making and now.
                self._folders.make(os.path.dirname(target))
            else:
                return
        raise OSError(errno.EBUSY, "its folder is removed as fast as it is made", target)
