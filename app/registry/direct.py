"""A body whose digest came with it, on its way straight to where it belongs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.oci import mediatype
from app.oci.descriptor import Descriptor
from app.oci.errors import BlobUploadUnknown, DigestInvalid
from app.registry import layout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

    from app.oci.digest import Digest
    from app.registry.contracts import UploadSession
    from app.registry.hashing import Hashing
    from app.registry.linked import Linker
    from drivers.contract import Driver, FileWriter


class DirectWriter:
    """An `app.registry.contracts.BlobWriter` that belongs to no session. Make one with `writing`."""

    def __init__(self, hashing: Hashing, linker: Linker, digest: Digest, file: FileWriter, batch_size: int) -> None:
        self._hashing = hashing
        self._linker = linker
        self._digest = digest
        self._file = file
        self._hashes = hashing.begin([digest.algorithm], resumable=False)
        self.batch_size = batch_size

    @property
    def size(self) -> int:
        return self._file.size

    async def write(self, chunk: bytes, /) -> None:
        await self._hashing.update(self._hashes, chunk, self._file.write(chunk))

    async def park(self) -> UploadSession:
        """There is nothing to go on from.

        Raises:
            BlobUploadUnknown: always.
        """
        raise BlobUploadUnknown

    async def commit(self, digest: Digest, /) -> Descriptor:
        computed = self._hashes.digest(self._digest.algorithm)
        if not computed == digest == self._digest:
            raise DigestInvalid(detail={"digest": digest, "computed": computed})
        await self._file.commit(sha256=digest.hex)
        descriptor = Descriptor(mediatype.OCTET_STREAM, self.size, digest)
        await self._linker.link(descriptor, digest)
        return descriptor

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """The file is its driver's, see `writing`."""


@asynccontextmanager
async def writing(
    driver: Driver, hashing: Hashing, linker: Linker, digest: Digest, *, size: int | None, batch_size: int
) -> AsyncIterator[DirectWriter]:
    """Open a writer for the content of *digest*, which is canonical. What is not committed leaves no trace.

    *size* is how much is likely to come, if anybody knows.
    """
    async with driver.writer(layout.blob_data(digest), size=size) as file:
        yield DirectWriter(hashing, linker, digest, file, batch_size)
