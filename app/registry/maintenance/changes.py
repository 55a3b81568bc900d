"""What a purge may change in storage, and a stand-in for dry runs that changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from drivers.contract import Driver, SupportsCompareAndSwap, SupportsMultipartPurge, UnfinishedUpload


class Changes(Protocol):
    """The writing verbs of a driver, as far as a purge uses them; the errors are the driver's."""

    async def create(self, swap: SupportsCompareAndSwap, path: str, content: bytes, /) -> None:
        """Write a file that must not exist yet.

        Raises:
            Conflict: it exists.
        """
        ...

    async def put(self, path: str, content: bytes, /) -> None:
        """Replace a small file."""
        ...

    async def delete(self, path: str, /) -> None:
        """Remove a file."""
        ...

    async def delete_tree(self, path: str, /) -> None:
        """Remove a folder."""
        ...

    async def abort(self, multipart: SupportsMultipartPurge, upload: UnfinishedUpload, /) -> None:
        """Abort a multipart upload."""
        ...


class Made:
    """Changes that happen in the store of *driver*."""

    __slots__ = ("_driver",)

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def create(self, swap: SupportsCompareAndSwap, path: str, content: bytes, /) -> None:
        await swap.create(path, content)

    async def put(self, path: str, content: bytes, /) -> None:
        await self._driver.put(path, content)

    async def delete(self, path: str, /) -> None:
        await self._driver.delete(path)

    async def delete_tree(self, path: str, /) -> None:
        await self._driver.delete_tree(path)

    async def abort(self, multipart: SupportsMultipartPurge, upload: UnfinishedUpload, /) -> None:
        await multipart.abort(upload)


class Pretended:
    """Changes that do not happen."""

    __slots__ = ()

    async def create(self, swap: SupportsCompareAndSwap, path: str, content: bytes, /) -> None:
        pass

    async def put(self, path: str, content: bytes, /) -> None:
        pass

    async def delete(self, path: str, /) -> None:
        pass

    async def delete_tree(self, path: str, /) -> None:
        pass

    async def abort(self, multipart: SupportsMultipartPurge, upload: UnfinishedUpload, /) -> None:
        pass
