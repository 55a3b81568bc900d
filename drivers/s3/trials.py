"""Things to try with files in a folder of a bucket: each tells whether the store did what it should have done."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from drivers.contract import Part, Version
from drivers.errors import PathNotFound, Unavailable
from drivers.s3.multipart import Multipart
from drivers.s3.probe import probe
from drivers.s3.settings import MIN_PART
from drivers.s3.unfinished import abort, unfinished

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.contract import UnfinishedUpload
    from drivers.s3.client import Client
    from drivers.s3.probe import Conditions

CONTENT: Final = b"0123456789"
"""What `Trials.file` holds."""

_OTHER: Final = Version('"00000000000000000000000000000000"')


class Trials:
    """What can be tried; `write` comes first, `clean` last.

    Args:
        client: makes the requests.
        folder: nobody else writes there.

    Attributes:
        file: a small file in it.
    """

    def __init__(self, client: Client, folder: str) -> None:
        self.file: Final = f"{folder}/file"
        self._client: Final = client
        self._folder: Final = folder
        self._large: Final = f"{folder}/large"
        self._version = _OTHER

    async def write(self) -> None:
        """Write the file."""
        self._version = await self._client.put(self.file, CONTENT)

    async def conditions(self) -> Conditions:
        """Tell which conditions are heeded."""
        return await probe(self._client, f"{self._folder}/conditional")

    async def seconds_ahead(self) -> float:
        """Return by how much the store's clock, which tells whole seconds, is ahead of this machine's.

        Raises:
            Unavailable: it does not tell the time.
        """
        now = datetime.now(UTC)
        answer = await self._client.ask("head_object", self.file)
        told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            return (parsedate_to_datetime(told) - now.replace(microsecond=0)).total_seconds()
        except (ValueError, TypeError):
            raise Unavailable("its answers have no date") from None

    async def clean(self) -> None:
        """Remove what is left. What can't be removed has been reported as such."""
        try:
            async with aclosing(self._unfinished()) as uploads:
                async for upload in uploads:
                    await abort(self._client, upload)
            for file in (await self._client.page(self._folder, deep=True)).files:
                await self._client.delete(file.path)
        except Unavailable:
            return

    async def read(self) -> bool:
        """The file is read whole."""
        content, version = await self._client.get(self.file)
        return (content, version) == (CONTENT, self._version)

    async def list(self) -> bool:
        """It is listed at once."""
        page = await self._client.page(self._folder, deep=True)
        return [file.path for file in page.files] == [self.file]

    async def read_range(self) -> bool:
        """A range of it is answered with that range and no more."""
        body = await self._client.open(self.file, start=2, stop=5)
        async with body.stream as stream:
            return (body.start, body.size, await stream.read()) == (2, len(CONTENT), CONTENT[2:5])

    async def delete_several(self) -> bool:
        """Several files are deleted with one request."""
        paths = [f"{self._folder}/{number}" for number in range(2)]
        for path in paths:
            await self._client.put(path, CONTENT)
        left = await self._client.delete_many(paths)
        return not left and not [path for path in paths if await self._there(path)]

    async def upload_in_parts(self) -> bool:
        """A file is uploaded in parts."""
        async with self._upload(self._large) as upload:
            await upload.send(1, bytes(MIN_PART))
            await upload.send(2, CONTENT)
            await upload.complete()
        content, _ = await self._client.get(self._large, start=MIN_PART)
        return content == CONTENT

    async def copy(self) -> bool:
        """The file is copied."""
        target = f"{self._folder}/copy"
        await self._client.copy(Part(self.file, len(CONTENT), self._version), target)
        return (await self._client.get(target))[0] == CONTENT

    async def copy_version(self) -> bool:
        """A copy of a version that it is not is refused."""
        try:
            await self._client.copy(Part(self.file, len(CONTENT), _OTHER), f"{self._folder}/wrong")
        except PathNotFound:
            return True
        return False

    async def copy_in_parts(self) -> bool:
        """What was uploaded in parts is copied as a part."""
        head, target = await self._client.head(self._large), f"{self._folder}/parts"
        async with self._upload(target) as upload:
            await upload.copy(1, Part(self._large, head.info.size, head.version), 0, MIN_PART)
            await upload.send(2, b"end")
            await upload.complete()
        return (await self._client.get(target, start=MIN_PART - 2))[0] == b"\0\0end"

    async def abort(self) -> bool:
        """An unfinished upload is listed until it is aborted."""
        async with self._upload(f"{self._folder}/unfinished"):
            found = [upload.path async for upload in self._unfinished()]
        return found == [f"{self._folder}/unfinished"] and not [upload async for upload in self._unfinished()]

    async def delete(self) -> bool:
        """The file is deleted."""
        await self._client.delete(self.file)
        return not await self._there(self.file)

    async def _there(self, path: str) -> bool:
        try:
            await self._client.head(path)
        except PathNotFound:
            return False
        return True

    def _unfinished(self) -> AsyncGenerator[UnfinishedUpload]:
        return unfinished(self._client, self._folder, datetime.max.replace(tzinfo=UTC))

    @asynccontextmanager
    async def _upload(self, path: str) -> AsyncGenerator[Multipart]:
        upload = await Multipart.create(self._client, path)
        try:
            yield upload
        finally:
            await upload.abort()
