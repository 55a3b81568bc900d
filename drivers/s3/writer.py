"""A new object on its way: one PUT if it turns out small, else parts, of which several are under way at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.errors import Unavailable
from drivers.s3.content import Content
from drivers.s3.multipart import Multipart
from drivers.s3.settings import MAX_PART, MAX_PARTS, MIB
from drivers.s3.settled import settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.contract import Version
    from drivers.s3.budget import ByteBudget
    from drivers.s3.client import Client
    from drivers.s3.settings import S3Settings

_SHARE: Final = 1250
_WHOLE: Final = 16 * MIB


def part_size(before: int, *, chunk: int, expected: int | None, equal: bool) -> int:
    """Return the size of the part that comes after *before* bytes.

    A file that is small, or may still turn out to be, is all one, and goes with one request.
    Parts of a file of *expected* size are all alike. Else a part has at least 1/1250 of what comes before it: 5 TiB
    are less than 10,000 of them, also from parts of 5 MiB on; up to 12 GiB of 10 MiB parts nothing grows.
    """
    if expected is None and before == 0 and not equal:
        return max(chunk, _WHOLE)
    if expected is not None and before + 1 <= expected <= _WHOLE:
        return max(chunk, expected)
    growing = 0 if equal else before // _SHARE
    wanted = growing if expected is None else -(-expected // MAX_PARTS)
    return min(MAX_PART, max(chunk, -(-wanted // MIB) * MIB))


class Writer:
    """A file that is to become *path*. Use `new_file`."""

    def __init__(
        self, client: Client, path: str, expected: int | None, settings: S3Settings, budget: ByteBudget
    ) -> None:
        self._client: Final = client
        self._path: Final = path
        self._expected: Final = expected
        self._settings: Final = settings
        self._budget: Final = budget
        self._size = 0
        self._whole = True
        self._part: list[bytes] = []
        self._room = 0  # left in this part
        self._reserved = 0  # for this part
        self._upload: Multipart | None = None
        self._number = 0
        self._sent = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        return self._size

    async def write(self, chunk: bytes, /) -> None:
        self._check()
        self._whole = False  # a failed or cancelled write may have taken some of the chunk
        taken = 0
        while taken < len(chunk):
            if self._room == 0:
                await self._next_part()
            step = chunk[taken : taken + self._room]
            self._part.append(step)
            self._room -= len(step)
            taken += len(step)
        self._size += len(chunk)
        self._whole = True

    async def commit(self, *, sha256: str = "") -> Version:
        """As `drivers.contract.FileWriter.commit`; the store is told the digest of what goes with one request."""
        self._check()
        self._whole = False  # nothing may follow
        if self._upload is None:
            return await self._client.put(self._path, Content(self._part, sha256))
        if self._part:
            await self._flush(self._upload)
        while self._tasks:
            await self._finish_some()
        version = await self._upload.complete()
        self._upload = None
        return version

    async def drop(self) -> None:
        """Forget what was not committed."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            done, self._tasks = await asyncio.wait(self._tasks)
            _failures(done)  # looked at, or the loop complains that nobody did
        self._budget.release(self._reserved)
        self._reserved = 0
        if self._upload is not None:
            await self._upload.abort()

    async def _next_part(self) -> None:
        if self._part:
            if self._upload is None:
                self._upload = await Multipart.create(self._client, self._path)
            await self._flush(self._upload)
        size = part_size(
            self._sent, chunk=self._settings.chunksize, expected=self._expected, equal=self._settings.equalparts
        )
        left = size if self._expected is None else self._expected - self._sent
        self._reserved = await self._budget.reserve(min(size, left) if left > 0 else size)
        self._room = size

    async def _flush(self, upload: Multipart) -> None:
        while len(self._tasks) >= self._settings.uploadconcurrency:
            await self._finish_some()
        self._number += 1
        if self._number > MAX_PARTS:
            raise Unavailable(f"{self._path}: more than {MAX_PARTS} parts")
        content = Content(self._part)
        task = asyncio.create_task(upload.send(self._number, content))
        task.add_done_callback(partial(_give_back, self._budget, self._reserved))
        self._tasks.add(task)
        self._sent += len(content)
        self._part, self._room, self._reserved = [], 0, 0

    async def _finish_some(self) -> None:
        done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for failure in _failures(done):
            raise failure

    def _check(self) -> None:
        if not self._whole:
            raise Unavailable(f"{self._path}: an earlier write has failed, or the file is committed")


def _failures(done: set[asyncio.Task[None]]) -> list[BaseException]:
    errors = [task.exception() for task in done if not task.cancelled()]
    return [error for error in errors if error is not None]


def _give_back(budget: ByteBudget, size: int, _: asyncio.Task[None]) -> None:
    budget.release(size)


@asynccontextmanager
async def new_file(
    client: Client, path: str, expected: int | None, settings: S3Settings, budget: ByteBudget
) -> AsyncGenerator[Writer]:
    """Begin a file, of *expected* bytes if that is known; leaving the block without a commit drops it."""
    writer = Writer(client, path, expected, settings, budget)
    try:
        yield writer
    finally:
        await settled(writer.drop())
