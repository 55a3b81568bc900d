"""Content by canonical digest, without access control. Only linked stores, uploads and the collector may hold it."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.oci import mediatype
from app.oci.descriptor import Descriptor
from app.oci.digest import Digest
from app.oci.errors import BlobUnknown
from app.registry import layout
from drivers.errors import PathNotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from drivers.contract import Driver, SupportsSendfile

_EMPTY: Final = Digest.of(b"")


class GlobalBlobStore:
    """All content, once. Every digest in and out of it is canonical.

    Args:
        driver: where it is.
        sendfile: the driver's power to hand out file descriptors, if it has it.
    """

    __slots__ = ("_driver", "_sendfile")

    def __init__(self, driver: Driver, *, sendfile: SupportsSendfile | None = None) -> None:
        self._driver = driver
        self._sendfile = sendfile

    async def stat(self, digest: Digest) -> Descriptor:
        """Return size and digest, never a media type that somebody declared. One driver call.

        Raises:
            BlobUnknown: there are no such bytes.
        """
        try:
            info = await self._driver.stat(layout.blob_data(digest))
        except PathNotFound:
            raise BlobUnknown(detail={"digest": digest}) from None
        # A crash of an older registry leaves empty files under names of other content: the next push replaces them.
        if info.is_dir or (info.size == 0 and digest != _EMPTY):
            raise BlobUnknown(detail={"digest": digest})
        return Descriptor(mediatype.OCTET_STREAM, info.size, digest)

    async def put(self, content: bytes) -> Descriptor:
        """Store a small blob. One driver call: writing the same bytes again is cheaper than asking, and heals."""
        digest = Digest.of(content)
        await self._driver.put(layout.blob_data(digest), content)
        return Descriptor(mediatype.OCTET_STREAM, len(content), digest)

    def open(self, descriptor: Descriptor, missing: Callable[[Digest], Awaitable[None]]) -> StoredBlob:
        """Return the blob of *descriptor*, to be read. No driver call.

        *missing* is told the digest if its bytes turn out not to be there, or to be more or fewer: what somebody
        remembers of them may be from before a push that healed them.
        """
        return StoredBlob(self._driver, self._sendfile, descriptor, missing)


class StoredBlob:
    """An `app.registry.contracts.OpenBlob`: a descriptor and a path; no byte is read yet."""

    __slots__ = ("_driver", "_missing", "_path", "_sendfile", "descriptor")

    def __init__(
        self,
        driver: Driver,
        sendfile: SupportsSendfile | None,
        descriptor: Descriptor,
        missing: Callable[[Digest], Awaitable[None]],
    ) -> None:
        self.descriptor = descriptor
        self._driver = driver
        self._sendfile = sendfile
        self._missing = missing
        self._path = layout.blob_data(descriptor.digest)

    async def read(self) -> bytes:
        """Return a small blob whole. One driver call.

        Raises:
            BlobUnknown: the bytes turned out to be missing.
            Unavailable: they are not as many as the descriptor promises.
        """
        try:
            content = await self._driver.get(self._path)
        except PathNotFound:
            raise await self._unknown() from None
        await self._check_length(len(content), self.descriptor.size)
        return content

    @asynccontextmanager
    async def stream(self, start: int, stop: int, /) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Stream the bytes from *start* up to, not including, *stop*. One driver call.

        Raises:
            BlobUnknown: on entering: the bytes turned out to be missing.
            Unavailable: in the stream: fewer bytes came than the descriptor promises.
        """
        async with AsyncExitStack() as stack:
            reader = self._driver.reader(self._path, offset=start, length=stop - start)
            try:
                chunks = await stack.enter_async_context(reader)
            except PathNotFound:
                raise await self._unknown() from None
            yield await stack.enter_async_context(aclosing(self._whole(chunks, stop - start)))

    def file(self) -> AbstractAsyncContextManager[int] | None:
        """A file descriptor for sendfile, or ``None`` where the driver has none.

        Raises:
            BlobUnknown: on entering: the bytes turned out to be missing.
            Unavailable: on entering: they are not as many as the descriptor promises.
        """
        return None if self._sendfile is None else self._file(self._sendfile)

    @asynccontextmanager
    async def _file(self, driver: SupportsSendfile) -> AsyncGenerator[int]:
        async with AsyncExitStack() as stack:
            try:
                number = await stack.enter_async_context(driver.open_file(self._path))
            except PathNotFound:
                raise await self._unknown() from None
            await self._check_length(os.fstat(number).st_size, self.descriptor.size)
            yield number

    async def _whole(self, chunks: AsyncIterator[bytes], length: int) -> AsyncGenerator[bytes]:
        come = 0
        async for chunk in chunks:
            come += len(chunk)
            yield chunk
        await self._check_length(come, length)

    async def _unknown(self) -> BlobUnknown:
        await self._missing(self.descriptor.digest)
        return BlobUnknown(detail={"digest": self.descriptor.digest})

    async def _check_length(self, come: int, promised: int) -> None:
        if come != promised:
            await self._missing(self.descriptor.digest)
            raise Unavailable(f"{self._path} gave {come} bytes instead of {promised}")
