"""Files in this process's memory: the reference for what `drivers/contract.py` means, and a registry for trying out.

Nothing survives the process, and no two processes share anything.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right, insort
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from drivers.contract import FileInfo, Part, Version
from drivers.errors import Conflict, InvalidOffset, PathNotFound
from drivers.paths import ROOT, below, check_file, check_folder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    version: Version
    modified: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryDriver:
    """A driver with compare-and-swap and compose, whose store is one dictionary.

    Args:
        now: the clock that `FileInfo.modified` is read from.
    """

    name: Final = "inmemory"

    def __init__(self, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._files: Final[dict[str, _File]] = {}
        self._order: Final[list[str]] = []  # the same paths, sorted: str order is byte order for this grammar

    async def get(self, path: str, /) -> bytes:
        return self._file(path).content

    async def put(self, path: str, content: bytes, /) -> None:
        self._store(check_file(path), bytes(content))

    async def stat(self, path: str, /, *, file: bool = False) -> FileInfo:
        check_folder(path)
        found = self._files.get(path)
        if found is not None:
            return FileInfo(path, len(found.content), found.modified)
        if file:
            raise PathNotFound(path)
        newest = max((self._files[found].modified for found in self._below(path)), default=None)
        if newest is not None:
            return FileInfo(path, 0, newest, is_dir=True)
        if path == ROOT:
            return FileInfo(path, 0, self._now(), is_dir=True)
        raise PathNotFound(path)

    @asynccontextmanager
    async def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        if offset < 0:
            raise InvalidOffset(path, offset)
        content = self._file(path).content
        end = len(content) if length is None else min(len(content), offset + length)

        async def chunks() -> AsyncGenerator[bytes]:
            for start in range(offset, end, _CHUNK):
                yield content[start : min(start + _CHUNK, end)]

        stream = chunks()
        try:
            yield stream
        finally:
            await stream.aclose()

    @asynccontextmanager
    async def writer(self, path: str, /, *, size: int | None = None) -> AsyncGenerator[_Writer]:
        del size
        yield _Writer(self._store, check_file(path))

    async def list(self, path: str, /, *, after: str = "") -> AsyncGenerator[str]:
        start = len(below(check_folder(path)))
        found = {key[start:].partition("/")[0] for key in self._below(path)}
        if not found and path != ROOT:
            raise PathNotFound(path)
        for name in sorted(found):
            if name > after:
                yield name

    async def walk(self, path: str, /, *, after: str = "") -> AsyncGenerator[FileInfo]:
        prefix = below(check_folder(path))
        position = bisect_left(self._order, prefix) if after < prefix else bisect_right(self._order, after)
        while position < len(self._order) and self._order[position].startswith(prefix):
            key = self._order[position]
            file = self._files[key]
            yield FileInfo(key, len(file.content), file.modified)
            position = bisect_right(self._order, key)  # anything may have changed while the caller had the word

    async def move(self, source: str, target: str, /) -> None:
        content = self._file(source).content
        check_file(target)
        if source != target:
            self._store(target, content)
            self._drop(source)

    async def delete(self, path: str, /) -> None:
        if check_file(path) in self._files:
            self._drop(path)

    async def delete_tree(self, path: str, /) -> None:
        check_folder(path)
        for key in [*self._below(path)]:
            self._drop(key)

    async def delete_files(self, paths: Sequence[str], /) -> None:
        for path in paths:
            await self.delete(path)

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        file = self._file(path)
        return file.content, file.version

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        del durable  # there is no power cut that memory survives
        if check_file(path) in self._files:
            raise Conflict(path)
        return self._store(path, bytes(content))

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        self._expect(path, version)
        return self._store(path, bytes(content))

    async def remove(self, path: str, version: Version, /) -> None:
        self._expect(path, version)
        self._drop(path)

    async def compose(self, target: str, parts: Sequence[Part], tail: bytes = b"", /) -> None:
        check_file(target)
        contents: list[bytes] = []
        for part in parts:
            file = self._file(part.path)
            if file.version != part.version or len(file.content) != part.size:
                raise PathNotFound(part.path)
            contents.append(file.content)
        self._store(target, b"".join([*contents, tail]))

    def _file(self, path: str) -> _File:
        try:
            return self._files[check_file(path)]
        except KeyError:
            raise PathNotFound(path) from None

    def _below(self, path: str) -> Iterator[str]:
        prefix = below(path)
        for position in range(bisect_left(self._order, prefix), len(self._order)):
            if not self._order[position].startswith(prefix):
                return
            yield self._order[position]

    def _expect(self, path: str, version: Version) -> None:
        file = self._files.get(check_file(path))
        if file is None or file.version != version:
            raise Conflict(path)

    def _store(self, path: str, content: bytes) -> Version:
        if path not in self._files:
            insort(self._order, path)
        version = Version(hashlib.sha256(content).hexdigest())
        self._files[path] = _File(content, version, self._now())
        return version

    def _drop(self, path: str) -> None:
        del self._files[path]
        del self._order[bisect_left(self._order, path)]


class _Writer:
    def __init__(self, store: Callable[[str, bytes], Version], path: str) -> None:
        self._store = store
        self._path = path
        self._content = bytearray()

    @property
    def size(self) -> int:
        return len(self._content)

    async def write(self, chunk: bytes, /) -> None:
        self._content += chunk

    async def commit(self, *, sha256: str = "") -> Version:
        del sha256  # nothing can change on the way
        return self._store(self._path, bytes(self._content))
