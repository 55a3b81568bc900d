"""A driver whose calls can be counted, and which can die between any two writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from drivers.contract import Driver, SupportsCompareAndSwap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from drivers.contract import FileInfo, FileWriter, Version

WRITES: Final = frozenset({"put", "create", "swap", "remove", "delete", "delete_tree", "move"})


class SwappingDriver(Driver, SupportsCompareAndSwap, Protocol):
    """A driver with compare-and-swap."""


class Call(NamedTuple):
    """One call of a driver."""

    verb: str
    path: str


class Crashed(Exception):
    """The process is gone; nothing in the registry may catch this."""


class WatchedDriver:
    """Passes every call to *inner*.

    Attributes:
        calls: what was called, in order.
        writes_left: how many more writes happen before every call raises `Crashed`; ``None``: no end.
        before: awaited before each call, so that a test can let something else happen in between.
    """

    def __init__(self, inner: SwappingDriver) -> None:
        self.inner = inner
        self.calls: list[Call] = []
        self.writes_left: int | None = None
        self._dead = False
        self.before: Callable[[Call], Awaitable[None]] | None = None

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def writes(self) -> list[Call]:
        """The calls that change something."""
        return [call for call in self.calls if call.verb in WRITES]

    async def get(self, path: str, /) -> bytes:
        await self._called("get", path)
        return await self.inner.get(path)

    async def put(self, path: str, content: bytes, /) -> None:
        await self._called("put", path)
        await self.inner.put(path, content)

    async def stat(self, path: str, /, *, file: bool = False) -> FileInfo:
        await self._called("stat", path)
        return await self.inner.stat(path, file=file)

    def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        self.calls.append(Call("reader", path))
        return self.inner.reader(path, offset=offset, length=length)

    def writer(self, path: str, /, *, size: int | None = None) -> AbstractAsyncContextManager[FileWriter]:
        self.calls.append(Call("writer", path))
        return self.inner.writer(path, size=size)

    async def list(self, path: str, /, *, after: str = "") -> AsyncIterator[str]:
        await self._called("list", path)
        async for name in self.inner.list(path, after=after):
            yield name

    async def walk(self, path: str, /, *, after: str = "") -> AsyncIterator[FileInfo]:
        await self._called("walk", path)
        async for info in self.inner.walk(path, after=after):
            yield info

    async def move(self, source: str, target: str, /) -> None:
        await self._called("move", source)
        await self.inner.move(source, target)

    async def delete(self, path: str, /) -> None:
        await self._called("delete", path)
        await self.inner.delete(path)

    async def delete_tree(self, path: str, /) -> None:
        await self._called("delete_tree", path)
        await self.inner.delete_tree(path)

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        await self._called("get_version", path)
        return await self.inner.get_version(path)

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        await self._called("create", path)
        return await self.inner.create(path, content, durable=durable)

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        await self._called("swap", path)
        return await self.inner.swap(path, content, version)

    async def remove(self, path: str, version: Version, /) -> None:
        await self._called("remove", path)
        await self.inner.remove(path, version)

    async def _called(self, verb: str, path: str) -> None:
        call = Call(verb, path)
        if verb in WRITES and self.writes_left is not None:
            self._dead = self._dead or self.writes_left == 0
            self.writes_left -= 1
        if self._dead:
            raise Crashed(call)
        self.calls.append(call)
        if self.before is not None:
            await self.before(call)
