"""Folders that exist only while files do, and the syncs that carry a change of names through a power cut.

All paths here are the system's. The root is never created nor removed: if it is gone, a disk is not mounted.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_ATTEMPTS: Final = 1000


class Folders:
    """The folders below *root*.

    Args:
        fsync: whether to sync at all; without, a power cut may take what was acknowledged.
    """

    def __init__(self, root: str, *, fsync: bool) -> None:
        self._root: Final = root
        self._fsync: Final = fsync

    def make(self, folder: str) -> list[str]:
        """Create *folder* and what is missing above it; return the folders in which an entry was made.

        Somebody may remove empty folders meanwhile; then it begins again.
        """
        changed: list[str] = []
        missing = [folder]
        for _ in range(_ATTEMPTS):
            try:
                os.mkdir(missing[-1])
            except FileExistsError:
                missing.pop()
            except FileNotFoundError:
                above = os.path.dirname(missing[-1])
                if len(above) <= len(self._root):
                    raise OSError(errno.ENODEV, "the root folder is gone", self._root) from None
                missing.append(above)
            else:
                changed.append(os.path.dirname(missing.pop()))
            if not missing:
                return changed
        raise OSError(errno.EBUSY, "its folders are removed as fast as they are made", folder)

    def prune(self, folder: str) -> str:
        """Remove *folder*, and then those above it, as long as they are empty; return the nearest that is left."""
        while len(folder) > len(self._root):
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                pass
            except OSError:  # not empty, as a rule; and whatever it is, an empty folder does no harm
                break
            folder = os.path.dirname(folder)
        return folder

    def sync(self, folders: Iterable[str]) -> None:
        """Make the entries of *folders* durable.

        Each folder in which a name was made or removed has to be among them. A folder which another process made
        and has not synced yet counts on the file system's writing names in the order in which they were made, as
        ext4, xfs, btrfs and zfs do.
        """
        if not self._fsync:
            return
        for folder in dict.fromkeys(folders):
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # whoever removed it has synced that
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def sync_file(self, descriptor: int) -> None:
        """Make the bytes of an open file durable."""
        if self._fsync:
            os.fsync(descriptor)
