"""What is below a folder, in order. Links, devices and names that no path could have are passed over."""

from __future__ import annotations

import os
import stat as mode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drivers.contract import FileInfo
from drivers.filesystem.faults import ABSENT
from drivers.paths import below, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def info(path: str, status: os.stat_result) -> FileInfo:
    """Return what *status* tells about *path*."""
    is_dir = mode.S_ISDIR(status.st_mode)
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return FileInfo(path, 0 if is_dir else status.st_size, modified, is_dir=is_dir)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below *root*, a path of the system's, but for the folder *hidden*, a path of the driver's."""

    root: str
    hidden: str

    def names(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a folder and whether each is a folder's, in no order.

        Raises:
            OSError: it can't be read, or is not there.
        """
        found: list[tuple[str, bool]] = []
        with os.scandir(f"{self.root}{path}") as entries:
            for entry in entries:
                is_dir = entry.is_dir(follow_symlinks=False)
                if not is_name(entry.name) or not (is_dir or entry.is_file(follow_symlinks=False)):
                    continue
                child = f"{below(path)}{entry.name}"
                # Nor does a folder exist for the sake of what is hidden in it.
                if child == self.hidden or (self.hidden.startswith(below(child)) and not self.names(child)):
                    continue
                found.append((entry.name, is_dir))
        return found

    def files(self, path: str, after: str) -> Iterator[FileInfo]:
        """Yield the files below *path* that sort after *after*, in byte order of their paths.

        A folder stands where its name and a slash sort: ``a-b`` and ``a.b`` come before what is in ``a``.
        """
        prefix = below(path)
        try:
            names = self.names(path)
        except OSError as error:
            if error.errno in ABSENT:
                return
            raise
        for name, is_dir in sorted((f"{name}/" if is_dir else name, is_dir) for name, is_dir in names):
            found = f"{prefix}{name}"
            if is_dir:
                if found > after or after.startswith(found):
                    yield from self.files(found[:-1], after)
            elif found > after:
                try:
                    status = os.stat(f"{self.root}{found}", follow_symlinks=False)
                except OSError as error:
                    if error.errno in ABSENT:
                        continue
                    raise
                yield info(found, status)
