"""Small files as whole contents: put, and the verbs that happen only if the file is as the caller believes.

These are blocking calls. *path* is the driver's, *real* the system's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from drivers.errors import Conflict, PathNotFound
from drivers.filesystem import reading, versions
from drivers.filesystem.faults import writing

if TYPE_CHECKING:
    from drivers.contract import Version
    from drivers.filesystem.folders import Folders
    from drivers.filesystem.publish import Publisher
    from drivers.filesystem.scratch import Scratch


class Contents:
    """Whole contents below one root."""

    def __init__(self, scratch: Scratch, folders: Folders, publisher: Publisher) -> None:
        self._scratch: Final = scratch
        self._folders: Final = folders
        self._publisher: Final = publisher

    def put(self, path: str, real: str, mode: int, content: bytes) -> None:
        """Replace the file, whatever it is."""
        with writing(path), self._scratch.holding(content, mode, self._folders.sync_file) as temporary:
            self._publisher.replace(temporary, real)

    def create(self, path: str, real: str, mode: int, content: bytes, *, durable: bool) -> Version:
        """Write a file that must not be there, or raise `Conflict`."""
        if os.path.lexists(real):  # spares most losers the writing; link(2) decides
            raise Conflict(path)
        sync = self._folders.sync_file if durable else _leave
        with writing(path), self._scratch.holding(content, mode, sync) as temporary:
            try:
                self._publisher.create(temporary, real, durable=durable)
            except FileExistsError:
                raise Conflict(path) from None
        return versions.of_content(content)

    def swap(self, path: str, real: str, mode: int, content: bytes, version: Version) -> Version:
        """Replace the file if it is *version*, or raise `Conflict`."""
        with writing(path), self._scratch.holding(content, mode, self._folders.sync_file) as temporary:
            self._publisher.replace(temporary, real, check=lambda: _expect(path, real, version))
        return versions.of_content(content)

    def remove(self, path: str, real: str, version: Version) -> None:
        """Remove the file if it is *version*, or raise `Conflict`."""
        with writing(path):
            self._publisher.remove(real, check=lambda: _expect(path, real, version))


def _leave(_: int) -> None:
    """Sync nothing: a power cut may take the file."""


def _expect(path: str, real: str, version: Version) -> None:
    try:
        descriptor, _ = reading.open_file(path, real)
    except PathNotFound:
        raise Conflict(path) from None
    try:
        if not versions.matches(descriptor, version):
            raise Conflict(path)
    finally:
        os.close(descriptor)
