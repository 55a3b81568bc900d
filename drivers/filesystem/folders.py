"""Folders that exist only while files do, and the syncs that carry a change of names through a power cut.

All paths here are the system's. The root is never created nor removed: if it is gone, a disk is not mounted.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_ATTEMPTS: Final = 1000


class Folders:
    """The folders below *root*.

    Args:
        root: never created nor removed.
        fsync: whether to sync at all; without, a power cut may take what was acknowledged.
    """

    def __init__(self, root: str, *, fsync: bool) -> None:
        self._root: Final = root
        self._fsync: Final = fsync
        # Folders in which this process has made one and nobody has synced that, with a number for each making. Who
        # writes below and finds its folder there, made by another thread a moment ago, syncs these too.
        self._owed: Final[dict[str, int]] = {}
        self._numbers: Final = itertools.count()
        self._owing: Final = threading.Lock()

    def make(self, folder: str) -> None:
        """Create *folder* and what is missing above it; `sync` of anything below makes that durable.

        Somebody may remove empty folders meanwhile; then it begins again.
        """
        missing = [folder]
        for _ in range(_ATTEMPTS):
            above = os.path.dirname(missing[-1])
            try:
                os.mkdir(missing[-1])
            except FileExistsError:
                missing.pop()
            except FileNotFoundError:
                if len(above) <= len(self._root):
                    raise OSError(errno.ENODEV, "the root folder is gone", self._root) from None
                missing.append(above)
            else:
                missing.pop()
                if self._fsync:
                    with self._owing:
                        self._owed[above] = next(self._numbers)
            if not missing:
                return
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
        """Make the entries of *folders*, in which a name was made or removed, and their own existence durable.

        A folder which another process made a moment ago counts on the file system's writing names in the order in
        which they were made, as ext4, xfs, btrfs and zfs do.
        """
        if not self._fsync:
            return
        changed = dict.fromkeys(folders)
        with self._owing:
            owed = {above: number for above, number in self._owed.items() if _is_above(above, changed)}
        for folder in {**changed, **owed}:
            _sync_folder(folder)
        with self._owing:
            for above, number in owed.items():
                if self._owed.get(above) == number:  # else one more was made there meanwhile
                    del self._owed[above]

    def sync_file(self, descriptor: int) -> None:
        """Make the bytes of an open file durable."""
        if self._fsync:
            os.fsync(descriptor)


def _is_above(above: str, folders: Iterable[str]) -> bool:
    return any(folder == above or folder.startswith(f"{above}/") for folder in folders)


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # whoever removed it has synced that
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
