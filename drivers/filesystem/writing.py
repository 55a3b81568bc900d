"""A new file on its way: bytes gather in the scratch, `commit` publishes them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from drivers.errors import Unavailable
from drivers.filesystem import versions
from drivers.filesystem.faults import writing
from drivers.filesystem.scratch import write_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from drivers.contract import Version
    from drivers.filesystem.folders import Folders
    from drivers.filesystem.publish import Publisher
    from drivers.filesystem.scratch import Scratch
    from drivers.filesystem.threads import Threads


class Writer:
    """An open temporary file that is to become *real*."""

    def __init__(
        self,
        path: str,
        real: str,
        temporary: tuple[int, str],
        *,
        threads: Threads,
        folders: Folders,
        publisher: Publisher,
        now: Callable[[], int],
    ) -> None:
        self._path: Final = path
        self._real: Final = real
        self._descriptor, self._name = temporary
        self._threads: Final = threads
        self._folders: Final = folders
        self._publisher: Final = publisher
        self._now: Final = now
        self._size = 0
        self._whole = True

    @property
    def size(self) -> int:
        return self._size

    async def write(self, chunk: bytes, /) -> None:
        self._whole = False  # until the job says otherwise; a cancelled or failed one may have written some of it
        await self._threads.run(lambda: self._write(chunk))
        self._whole = True

    async def commit(self, *, sha256: str = "") -> Version:
        del sha256  # a disk does not look at it
        if not self._whole:
            raise Unavailable(f"{self._path}: an earlier write or commit has failed")
        self._whole = False  # a sync that failed must not be tried again: the system tells of lost bytes once
        return await self._threads.run(self._commit)

    def _write(self, chunk: bytes) -> None:
        with writing(self._path):
            write_all(self._descriptor, chunk, self._size)
        self._size += len(chunk)

    def _commit(self) -> Version:
        with writing(self._path):
            version = versions.stamp(self._descriptor, self._now())
            self._folders.sync_file(self._descriptor)
            self._publisher.replace(self._name, self._real)
        return version


@asynccontextmanager
async def new_file(
    path: str,
    real: str,
    mode: int,
    *,
    threads: Threads,
    scratch: Scratch,
    folders: Folders,
    publisher: Publisher,
    now: Callable[[], int],
) -> AsyncGenerator[Writer]:
    """Begin a file with the permissions *mode*; leaving the block without a commit drops it."""

    def begin() -> tuple[int, str]:
        with writing(path):
            return scratch.open(mode)

    def drop(temporary: tuple[int, str]) -> None:
        descriptor, name = temporary
        with writing(path):
            os.close(descriptor)
            scratch.drop(name)

    temporary = await threads.brief(begin, undo=drop)
    try:
        yield Writer(path, real, temporary, threads=threads, folders=folders, publisher=publisher, now=now)
    finally:
        await threads.settle(lambda: drop(temporary))
