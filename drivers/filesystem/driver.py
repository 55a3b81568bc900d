"""The driver of one folder on a disk: its verbs, put together from the neighbours.

It serves the processes of one host. Files are published whole (`publish`); blocking calls run in threads (`threads`).
"""

from __future__ import annotations

import itertools
import os
import secrets
import stat
import time
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.errors import InvalidOffset, InvalidPath, PathNotFound
from drivers.filesystem import extension, faults, mounts, reading, versions, writing
from drivers.filesystem.content import Contents
from drivers.filesystem.extension import HeldFile
from drivers.filesystem.folders import Folders
from drivers.filesystem.locks import PathLocks
from drivers.filesystem.publish import Publisher
from drivers.filesystem.scratch import LOCKS, Scratch
from drivers.filesystem.threads import Threads
from drivers.filesystem.turns import Turns
from drivers.filesystem.walk import Tree, info
from drivers.paths import ROOT, check_file, check_folder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from drivers.contract import FileInfo, FileWriter, Version

_BATCH: Final = 512
_OPEN: Final = 0o666  # less the umask
_PRIVATE: Final = 0o600


def _new_id() -> str:
    return secrets.token_hex(12)


class FilesystemDriver:
    """Files below a folder, with compare-and-swap, sendfile and extend. Close it with `async with` or `aclose`.

    Making one creates the folder and the scratch.

    Args:
        root: the folder.
        scratch: the path, in the driver's own grammar, where unfinished files are; no verb reaches into it.
        private: paths of files, or of folders of files, that only the owner may read (0600).
        maxthreads: the most blocking calls at a time; 25 if it is less.
        fsync: whether what was acknowledged has to survive a power cut.
        now: the wall clock, in nanoseconds since the epoch.
        new_id: makes names of temporary files that nobody else makes.
        mounted: the text of ``/proc/self/mountinfo``; read if None.

    Attributes:
        warnings: what an operator ought to be told about this folder.
    """

    name: Final = "filesystem"

    def __init__(
        self,
        root: Path | str,
        *,
        scratch: str = "/moorage/v1/tmp",
        private: Collection[str] = ("/moorage/v1/state/secret",),
        maxthreads: int = 100,
        fsync: bool = True,
        now: Callable[[], int] = time.time_ns,
        new_id: Callable[[], str] = _new_id,
        mounted: str | None = None,
    ) -> None:
        with faults.writing(ROOT):
            os.makedirs(root, exist_ok=True)
        self._root: Final = os.path.realpath(root).rstrip("/")
        self._private: Final = frozenset(private)
        self._now: Final = now
        table = mounts.read_mounts() if mounted is None else mounted
        kind = mounts.filesystem_type(self._root or "/", table)
        network = mounts.is_network(kind)
        self._threads: Final = Threads(maxthreads, inline=not network)
        self._turns: Final = Turns()
        self._tree: Final = Tree(self._root, check_file(scratch))
        self._folders: Final = Folders(self._root, fsync=fsync)
        self._scratch: Final = Scratch(f"{self._root}{scratch}", self._folders, new_id)
        locks = f"{self._scratch.folder}/{LOCKS}"
        self._publisher: Final = Publisher(self._folders, PathLocks(locks, self._folders), self._scratch)
        self._contents: Final = Contents(self._scratch, self._folders, self._publisher)
        with faults.writing(scratch):
            self._folders.make(locks)
            self._folders.sync([os.path.dirname(self._root), locks])
        warnings = []
        if network:
            warnings.append(f"{root} is on {kind}: it serves the processes of one host; use S3 for several")
        if not os.access(locks, os.W_OK):
            warnings.append(f"{root} can't be written to: only what is there already will be served")
        self.warnings: Final = tuple(warnings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let the threads go. Calls that are under way are waited for."""
        self._threads.close()

    async def sweep(self, older_than: float) -> int:
        """Remove what crashed processes left in the scratch and nobody touched for *older_than* seconds.

        Return how many files and folders that were.
        """
        before = self._now() / 1e9 - older_than

        def job() -> int:
            with faults.reading(self._tree.hidden):
                return self._scratch.sweep(before)

        return await self._threads.run(job)

    async def get(self, path: str, /) -> bytes:
        return await reading.read_whole(self._threads, path, self._real(path))

    async def put(self, path: str, content: bytes, /) -> None:
        await self._threads.run(partial(self._contents.put, path, self._real(path), self._mode(path), content))

    async def stat(self, path: str, /) -> FileInfo:
        real = self._real_folder(path)

        def job() -> FileInfo:
            with faults.reading(path):
                return info(path, os.stat(real))

        return await self._threads.brief(job)

    @asynccontextmanager
    async def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        if offset < 0:
            raise InvalidOffset(path, offset)
        async with self._open(path) as (descriptor, size):
            end = size if length is None else min(size, offset + length)
            async with aclosing(reading.chunks(self._threads, path, descriptor, offset, end)) as stream:
                yield stream

    def writer(self, path: str, /) -> AbstractAsyncContextManager[FileWriter]:
        return writing.new_file(
            path,
            self._real(path),
            self._mode(path),
            threads=self._threads,
            scratch=self._scratch,
            folders=self._folders,
            publisher=self._publisher,
            now=self._now,
        )

    async def list(self, path: str, /, *, after: str = "") -> AsyncGenerator[str]:
        self._real_folder(path)

        def job() -> Sequence[str]:
            with faults.reading(path):
                names = self._tree.names(path)
            if not names and path != ROOT:
                raise PathNotFound(path)  # a folder that a crash left empty is no folder
            return sorted(name for name, _ in names if name > after)

        for name in await self._threads.run(job):
            yield name

    async def walk(self, path: str, /, *, after: str = "") -> AsyncGenerator[FileInfo]:
        self._real_folder(path)
        files = self._tree.files(path, after)

        def job() -> Sequence[FileInfo]:
            with faults.reading(path):
                return tuple(itertools.islice(files, _BATCH))

        while batch := await self._threads.run(job):
            for file in batch:
                yield file

    async def move(self, source: str, target: str, /) -> None:
        real_source, real_target = self._real(source), self._real(target)

        def check() -> None:
            with faults.reading(source):
                if not stat.S_ISREG(os.stat(real_source).st_mode):
                    raise PathNotFound(source)

        def job() -> None:
            with faults.writing(target):
                try:
                    self._publisher.move(real_source, real_target, check=check)
                except FileNotFoundError:
                    raise PathNotFound(source) from None

        await self._threads.run(job)

    async def delete(self, path: str, /) -> None:
        real = self._real(path)

        def job() -> None:
            with faults.writing(path):
                self._publisher.remove(real)

        await self._threads.run(job)

    async def delete_tree(self, path: str, /) -> None:
        real = self._real_folder(path)

        def job() -> None:
            with faults.writing(path):
                self._publisher.remove_tree(real)

        await self._threads.run(job)

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        content = await self.get(path)
        return content, versions.of_content(content)

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        job = partial(self._contents.create, path, self._real(path), self._mode(path), content, durable=durable)
        return await self._threads.run(job)

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        job = partial(self._contents.swap, path, self._real(path), self._mode(path), content, version)
        return await self._threads.run(job)

    async def remove(self, path: str, version: Version, /) -> None:
        await self._threads.run(partial(self._contents.remove, path, self._real(path), version))

    @asynccontextmanager
    async def open_file(self, path: str, /) -> AsyncGenerator[int]:
        async with self._open(path) as (descriptor, _):
            yield descriptor

    @asynccontextmanager
    async def extend(self, path: str, /, *, create: bool = False, wait: float = 10.0) -> AsyncGenerator[HeldFile]:
        real = self._real(path)
        opened = partial(extension.open_new, path, real, self._mode(path), self._folders)
        if not create:
            opened = partial(extension.open_old, path, real)
        async with extension.hold(path, real, opened, wait, threads=self._threads, turns=self._turns) as descriptor:
            yield HeldFile(
                path,
                real,
                descriptor,
                threads=self._threads,
                folders=self._folders,
                publisher=self._publisher,
                locate=self._real,
            )

    @asynccontextmanager
    async def _open(self, path: str) -> AsyncGenerator[tuple[int, int]]:
        real = self._real(path)
        opened = await self._threads.brief(
            lambda: reading.open_file(path, real), undo=lambda unused: os.close(unused[0])
        )
        try:
            yield opened
        finally:
            await self._threads.settle(lambda: os.close(opened[0]))

    def _mode(self, path: str) -> int:
        return (
            _PRIVATE if any(path == private or path.startswith(f"{private}/") for private in self._private) else _OPEN
        )

    def _real(self, path: str) -> str:
        return self._locate(check_file(path))

    def _real_folder(self, path: str) -> str:
        return self._root if path == ROOT else self._locate(check_folder(path))

    def _locate(self, path: str) -> str:
        if f"{path}/".startswith(f"{self._tree.hidden}/"):
            raise InvalidPath(path)
        return f"{self._root}{path}"
