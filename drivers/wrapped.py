"""A driver inside another: each step towards the backend is taken inside a block that somebody else defines.

The wrapper has exactly the powers of what it wraps, so `isinstance` answers for it as it does for the driver.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from drivers.contract import (
    SupportsCompareAndSwap,
    SupportsCompose,
    SupportsDeleteFiles,
    SupportsExtend,
    SupportsMultipartPurge,
    SupportsRedirect,
    SupportsSendfile,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from drivers.contract import Driver, Extension, FileInfo, FileWriter, Part, UnfinishedUpload, Version

T = TypeVar("T")


@dataclass(slots=True)
class Meter:
    """How many bytes of content one step has moved, either way."""

    moved: int = 0


class Around(Protocol):
    """What surrounds each step."""

    def step(self, verb: str, *, first: bool) -> AbstractAsyncContextManager[Meter]:
        """Surround one step.

        Args:
            verb: that of the contract; within blocks also ``read``, ``write``, ``commit``, ``truncate``, ``publish``.
            first: false when it goes on with a call that was told of: the next name of a list, say.
        """
        ...


def wrap(driver: Driver, around: Around) -> Driver:
    """Return *driver* with each step taken inside *around*."""
    wrapper = _Files(driver, around)
    if isinstance(driver, SupportsCompareAndSwap):
        swap = _Swap(driver, around)
        _lend(wrapper, get_version=swap.get_version, create=swap.create, swap=swap.swap, remove=swap.remove)
    if isinstance(driver, SupportsSendfile):
        _lend(wrapper, open_file=_Sendfile(driver, around).open_file)
    if isinstance(driver, SupportsCompose):
        _lend(wrapper, compose=_Compose(driver, around).compose)
    if isinstance(driver, SupportsDeleteFiles):
        _lend(wrapper, delete_files=_Deletes(driver, around).delete_files)
    if isinstance(driver, SupportsRedirect):
        _lend(wrapper, redirect_url=driver.redirect_url)  # no step: nobody is asked
    if isinstance(driver, SupportsExtend):
        _lend(wrapper, extend=_Extend(driver, around).extend)
    if isinstance(driver, SupportsMultipartPurge):
        multipart = _Multipart(driver, around)
        _lend(wrapper, unfinished=multipart.unfinished, abort=multipart.abort)
    return wrapper


def _lend(wrapper: _Files, **verbs: object) -> None:
    # Set on the instance, because a class would have them whether or not the wrapped driver does.
    for name, verb in verbs.items():
        setattr(wrapper, name, verb)


async def _each(around: Around, verb: str, items: AsyncIterator[T]) -> AsyncGenerator[T]:
    first = True
    try:
        while True:
            async with around.step(verb, first=first):
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item
            first = False
    finally:
        # A generator that is left half-way must not wait for the collector of garbage, which ends it in a task.
        if isinstance(items, AsyncGenerator):
            await items.aclose()


class _Files:
    def __init__(self, driver: Driver, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    @property
    def name(self) -> str:
        return self._driver.name

    async def get(self, path: str, /) -> bytes:
        async with self._around.step("get", first=True) as meter:
            content = await self._driver.get(path)
            meter.moved = len(content)
            return content

    async def put(self, path: str, content: bytes, /) -> None:
        async with self._around.step("put", first=True) as meter:
            await self._driver.put(path, content)
            meter.moved = len(content)

    async def stat(self, path: str, /, *, file: bool = False) -> FileInfo:
        async with self._around.step("stat", first=True):
            return await self._driver.stat(path, file=file)

    @asynccontextmanager
    async def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        async with AsyncExitStack() as held:
            async with self._around.step("reader", first=True):
                chunks = await held.enter_async_context(self._driver.reader(path, offset=offset, length=length))
            yield await held.enter_async_context(aclosing(self._read(chunks)))

    @asynccontextmanager
    async def writer(self, path: str, /, *, size: int | None = None) -> AsyncGenerator[FileWriter]:
        async with AsyncExitStack() as held:
            async with self._around.step("writer", first=True):
                writer = await held.enter_async_context(self._driver.writer(path, size=size))
            yield _Writer(writer, self._around)

    async def list(self, path: str, /, *, after: str = "") -> AsyncGenerator[str]:
        async with aclosing(_each(self._around, "list", self._driver.list(path, after=after))) as names:
            async for name in names:
                yield name

    async def walk(self, path: str, /, *, after: str = "") -> AsyncGenerator[FileInfo]:
        async with aclosing(_each(self._around, "walk", self._driver.walk(path, after=after))) as files:
            async for file in files:
                yield file

    async def move(self, source: str, target: str, /) -> None:
        async with self._around.step("move", first=True):
            await self._driver.move(source, target)

    async def delete(self, path: str, /) -> None:
        async with self._around.step("delete", first=True):
            await self._driver.delete(path)

    async def delete_tree(self, path: str, /) -> None:
        async with self._around.step("delete_tree", first=True):
            await self._driver.delete_tree(path)

    async def _read(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        while True:
            async with self._around.step("read", first=True) as meter:
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                meter.moved = len(chunk)
            yield chunk


class _Writer:
    def __init__(self, writer: FileWriter, around: Around) -> None:
        self._writer: Final = writer
        self._around: Final = around

    @property
    def size(self) -> int:
        return self._writer.size

    async def write(self, chunk: bytes, /) -> None:
        async with self._around.step("write", first=True) as meter:
            await self._writer.write(chunk)
            meter.moved = len(chunk)

    async def commit(self, *, sha256: str = "") -> Version:
        async with self._around.step("commit", first=True):
            return await self._writer.commit(sha256=sha256)


class _Swap:
    def __init__(self, driver: SupportsCompareAndSwap, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        async with self._around.step("get_version", first=True) as meter:
            content, version = await self._driver.get_version(path)
            meter.moved = len(content)
            return content, version

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        async with self._around.step("create", first=True) as meter:
            version = await self._driver.create(path, content, durable=durable)
            meter.moved = len(content)
            return version

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        async with self._around.step("swap", first=True) as meter:
            swapped = await self._driver.swap(path, content, version)
            meter.moved = len(content)
            return swapped

    async def remove(self, path: str, version: Version, /) -> None:
        async with self._around.step("remove", first=True):
            await self._driver.remove(path, version)


class _Sendfile:
    def __init__(self, driver: SupportsSendfile, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    @asynccontextmanager
    async def open_file(self, path: str, /) -> AsyncGenerator[int]:
        async with AsyncExitStack() as held:
            async with self._around.step("open_file", first=True):
                descriptor = await held.enter_async_context(self._driver.open_file(path))
            yield descriptor


class _Compose:
    def __init__(self, driver: SupportsCompose, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    async def compose(self, target: str, parts: Sequence[Part], tail: bytes = b"", /) -> None:
        async with self._around.step("compose", first=True) as meter:
            await self._driver.compose(target, parts, tail)
            meter.moved = len(tail)


class _Deletes:
    def __init__(self, driver: SupportsDeleteFiles, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    async def delete_files(self, paths: Sequence[str], /) -> None:
        async with self._around.step("delete_files", first=True):
            await self._driver.delete_files(paths)


class _Extend:
    def __init__(self, driver: SupportsExtend, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    @asynccontextmanager
    async def extend(self, path: str, /, *, create: bool = False, wait: float = 10.0) -> AsyncGenerator[Extension]:
        async with AsyncExitStack() as held:
            async with self._around.step("extend", first=True):
                extension = await held.enter_async_context(self._driver.extend(path, create=create, wait=wait))
            yield _Extension(extension, self._around)


class _Extension:
    def __init__(self, extension: Extension, around: Around) -> None:
        self._extension: Final = extension
        self._around: Final = around

    @property
    def size(self) -> int:
        return self._extension.size

    async def truncate(self, size: int, /) -> None:
        async with self._around.step("truncate", first=True):
            await self._extension.truncate(size)

    async def write(self, chunk: bytes, /) -> None:
        async with self._around.step("write", first=True) as meter:
            await self._extension.write(chunk)
            meter.moved = len(chunk)

    async def publish(self, target: str, /) -> None:
        async with self._around.step("publish", first=True):
            await self._extension.publish(target)


class _Multipart:
    def __init__(self, driver: SupportsMultipartPurge, around: Around) -> None:
        self._driver: Final = driver
        self._around: Final = around

    async def unfinished(self, folder: str, /, *, before: datetime) -> AsyncGenerator[UnfinishedUpload]:
        found = self._driver.unfinished(folder, before=before)
        async with aclosing(_each(self._around, "unfinished", found)) as uploads:
            async for upload in uploads:
                yield upload

    async def abort(self, upload: UnfinishedUpload, /) -> None:
        async with self._around.step("abort", first=True):
            await self._driver.abort(upload)
