"""Uploads into real repositories, on any sort of store, by any number of processes that share it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.digester import Digesters, find_libcrypto
from app.registry.hashing import Hashing
from app.registry.stores import LinkedBlobStores
from app.registry.uploads import Uploads
from cache.memory import MemoryCache
from drivers.contract import SupportsCompareAndSwap, SupportsCompose, SupportsDeleteFiles, SupportsExtend
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest
    from app.registry.contracts import UploadSession
    from app.registry.linked import LinkedBlobStore
    from drivers.contract import Driver

NAME = RepositoryName.parse("team/app")
OTHER = RepositoryName.parse("team/other")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Sort(Enum):
    """The sorts of stores that the protocol knows."""

    OBJECTS = "objects, create-only"
    PLAIN = "objects, no create-only"
    DISK = "disk"


@dataclass
class Process:
    """A process of the registry."""

    uploads: Uploads
    stores: LinkedBlobStores

    @property
    def blobs(self) -> LinkedBlobStore:
        """The repository that most tests push to."""
        return self.stores.layers(NAME)

    def at(self, name: RepositoryName) -> LinkedBlobStore:
        """Another repository."""
        return self.stores.layers(name)

    async def patch(self, session: UploadSession, *chunks: bytes, offset: int | None = None) -> UploadSession:
        """Do what a PATCH does."""
        async with self.blobs.resume(session, offset=offset) as writer:
            for chunk in chunks:
                await writer.write(chunk)
            return await writer.park()

    async def close(self, session: UploadSession, digest: Digest, *chunks: bytes) -> Descriptor:
        """Do what a closing PUT does."""
        async with self.blobs.resume(session, closing=digest) as writer:
            for chunk in chunks:
                await writer.write(chunk)
            return await writer.commit(digest)


@dataclass
class Site:
    """One store, and the clock of those who use it.

    Attributes:
        now: what time it is.
    """

    sort: Sort
    driver: Driver
    now: datetime = START
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def new_id(self) -> str:
        """Return an id that nobody else has."""
        return f"id-{next(self._numbers)}"

    def process(
        self,
        *,
        driver: Driver | None = None,
        boot: str = "boot-1",
        key: bytes = b"key",
        resumable: bool = True,
        **more: Any,
    ) -> Process:
        """Start a process, which remembers nothing; *more* are parameters of `Uploads`."""
        driver = self.driver if driver is None else driver
        swap = driver if isinstance(driver, SupportsCompareAndSwap) and self.sort is not Sort.PLAIN else None
        uploads = Uploads(
            driver,
            hashing=Hashing(Digesters(find_libcrypto() if resumable else None)),
            key=key,
            boot=boot,
            max_age=DAY,
            now=lambda: self.now,
            new_id=self.new_id,
            swap=swap,
            extend=driver if isinstance(driver, SupportsExtend) else None,
            compose=driver if isinstance(driver, SupportsCompose) else None,
            deletes=driver if isinstance(driver, SupportsDeleteFiles) else None,
            **more,
        )
        stores = LinkedBlobStores(driver, MemoryCache(membership=False), ingestion=uploads.into)
        return Process(uploads, stores)

    async def files(self) -> list[str]:
        """What sessions have left in storage."""
        return [file.path for folder in (layout.PIECES, layout.UPLOADS) async for file in self.driver.walk(folder)]

    async def content(self, digest: Digest) -> bytes | None:
        """What is published under a canonical digest; ``None``: nothing is."""
        try:
            return await self.driver.get(layout.blob_data(digest))
        except PathNotFound:
            return None
