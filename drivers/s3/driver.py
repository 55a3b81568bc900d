"""The driver of one bucket: its verbs, put together from the neighbours."""

from __future__ import annotations

from contextlib import aclosing, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from drivers.contract import FileInfo, Part
from drivers.errors import InvalidOffset, PathNotFound, Unavailable
from drivers.paths import ROOT, check_file, check_folder, is_path
from drivers.s3 import listing, reading, recovery, unfinished, writer
from drivers.s3.client import BATCH
from drivers.s3.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from drivers.contract import FileWriter, UnfinishedUpload, Version
    from drivers.s3.budget import ByteBudget
    from drivers.s3.client import Client
    from drivers.s3.compose import Composer
    from drivers.s3.redirects import Redirects
    from drivers.s3.settings import S3Settings
    from drivers.s3.swap import Swap

_DELETES: Final = 32


class S3Driver:
    """Files of a bucket, with compose, redirect and the purge of multipart uploads.

    Every verb is one request but where it says otherwise. Use `drivers.s3.opening.open_driver`.

    Args:
        client: who makes the requests.
        settings: sizes and numbers.
        budget: of bytes in memory.
        composer: puts files together.
        redirects: makes URLs.
        warnings: what an operator ought to be told.
        pagesize: the most keys to ask for with one listing.
    """

    name: Final = "s3"

    def __init__(
        self,
        client: Client,
        settings: S3Settings,
        *,
        budget: ByteBudget,
        composer: Composer,
        redirects: Redirects,
        warnings: tuple[str, ...] = (),
        pagesize: int = BATCH,
    ) -> None:
        self._client: Final = client
        self._settings: Final = settings
        self._budget: Final = budget
        self._composer: Final = composer
        self._redirects: Final = redirects
        self.warnings: Final = warnings
        self._pagesize: Final = pagesize

    async def get(self, path: str, /) -> bytes:
        content, _ = await self._client.get(check_file(path))
        return content

    async def put(self, path: str, content: bytes, /) -> None:
        await self._client.put(check_file(path), content)

    async def stat(self, path: str, /, *, file: bool = False) -> FileInfo:
        """As `drivers.contract.Driver.stat`: a HEAD, and a LIST when there is no file and a folder would do."""
        check_folder(path)
        if path != ROOT:
            try:
                return (await self._client.head(path)).info
            except PathNotFound:
                if file:
                    raise
        if file:
            raise PathNotFound(path)
        page = await self._client.page(path, deep=True, most=1)
        for first in page.files:
            return FileInfo(path, 0, first.modified, is_dir=True)
        if path == ROOT:
            return FileInfo(path, 0, datetime.fromtimestamp(0, UTC), is_dir=True)
        raise PathNotFound(path)

    def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        check_file(path)
        if offset < 0:
            raise InvalidOffset(path, offset)
        return reading.stream(self._client, path, offset, length)

    def writer(self, path: str, /, *, size: int | None = None) -> AbstractAsyncContextManager[FileWriter]:
        """As `drivers.contract.Driver.writer`: a PUT, or one request for each part and two more."""
        return writer.new_file(self._client, check_file(path), size, self._settings, self._budget)

    async def list(self, path: str, /, *, after: str = "") -> AsyncGenerator[str]:
        """As `drivers.contract.Driver.list`: one request for a page, and those of `listing.names`."""
        found = False
        async for name in listing.names(self._client, check_folder(path), after, most=self._pagesize):
            found = True
            yield name
        if not found and not after and path != ROOT:
            raise PathNotFound(path)

    async def walk(self, path: str, /, *, after: str = "") -> AsyncGenerator[FileInfo]:
        """As `drivers.contract.Driver.walk`: one request for a page."""
        async for file in listing.files(self._client, check_folder(path), after, most=self._pagesize):
            if is_path(file.path):
                yield file

    async def move(self, source: str, target: str, /) -> None:
        """As `drivers.contract.Driver.move`: a HEAD, a copy and a DELETE; a crash may leave both files."""
        check_file(target)
        head = await self._client.head(check_file(source))
        if source != target:
            await self._composer.compose(target, [Part(source, head.info.size, head.version)])
            await self._client.delete(source)

    async def delete(self, path: str, /) -> None:
        await self._client.delete(check_file(path))

    async def delete_tree(self, path: str, /) -> None:
        """As `drivers.contract.Driver.delete_tree`: two requests for a page, or one for each file in it."""
        batch: list[str] = []
        async for file in listing.files(self._client, check_folder(path), "", most=self._pagesize):
            batch.append(file.path)
            if len(batch) == BATCH:
                await self._delete_all(batch)
                batch.clear()
        if batch:
            await self._delete_all(batch)

    async def delete_files(self, paths: Sequence[str], /) -> None:
        """As `drivers.contract.SupportsDeleteFiles.delete_files`: one request for 1000 files."""
        for start in range(0, len(paths), BATCH):
            await self._delete_all([check_file(path) for path in paths[start : start + BATCH]])

    async def compose(self, target: str, parts: Sequence[Part], tail: bytes = b"", /) -> None:
        await self._composer.compose(check_file(target), parts, tail)

    async def redirect_url(self, path: str, /) -> str:
        return await self._redirects.url(self._client.key(check_file(path)))

    async def unfinished(self, folder: str, /, *, before: datetime) -> AsyncGenerator[UnfinishedUpload]:
        """As `drivers.contract.SupportsMultipartPurge.unfinished`: one request for a page."""
        found = unfinished.unfinished(self._client, check_folder(folder), before, most=self._pagesize)
        async with aclosing(found) as uploads:
            async for upload in uploads:
                yield upload

    async def abort(self, upload: UnfinishedUpload, /) -> None:
        await unfinished.abort(self._client, upload)

    async def recover(self, path: str, /) -> None:
        """As `drivers.contract.SupportsMultipartRecovery.recover`: four requests, usually."""
        await recovery.recover(self._client, check_file(path))

    async def _delete_all(self, paths: Sequence[str]) -> None:
        left = paths
        if len(paths) > 1:
            with suppress(Unavailable):  # one by one will work, or say what is wrong
                left = await self._client.delete_many(paths)
        await run_all([partial(self._client.delete, path) for path in left], _DELETES)


class SwappingS3Driver(S3Driver):
    """The same where the store heeds conditions: with compare-and-swap.

    Args:
        client: who makes the requests.
        settings: sizes and numbers.
        swap: writes under conditions.
        **parts: as `S3Driver` takes them.
    """

    def __init__(self, client: Client, settings: S3Settings, swap: Swap, **parts: Any) -> None:
        super().__init__(client, settings, **parts)
        self._swap: Final = swap

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        return await self._client.get(check_file(path))

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        del durable  # there is no cheaper way
        return await self._swap.create(check_file(path), content)

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        return await self._swap.swap(check_file(path), content, version)

    async def remove(self, path: str, version: Version, /) -> None:
        await self._swap.remove(check_file(path), version)
