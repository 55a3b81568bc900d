from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from drivers.contract import SupportsMultipartPurge, SupportsMultipartRecovery, UnfinishedUpload
from drivers.errors import PathNotFound
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from drivers.observed import observed
from tests.contracts.driver_contract import (
    CompareAndSwapContract,
    ComposeContract,
    DriverContract,
    ExtendContract,
    SendfileContract,
)


class Notes:
    """An observer that writes down what it is told; the clock ticks once each time it is asked."""

    def __init__(self):
        self.seen = []
        self._time = 0

    def observe(self, verb, *, seconds, moved, error, first):
        self.seen.append((verb, seconds, moved, type(error), first))

    def clock(self):
        self._time += 1
        return self._time

    def take(self):
        seen, self.seen = self.seen, []
        return [(verb, moved) for verb, _, moved, _, _ in seen]


class Multipart(MemoryDriver):
    """A driver that tells of one unfinished upload until it is aborted."""

    def __init__(self):
        super().__init__()
        self.uploads = [UnfinishedUpload("/a", "1", datetime(2026, 1, 1, tzinfo=UTC))]

    async def unfinished(self, folder, /, *, before):
        for upload in [*self.uploads]:
            yield upload

    async def abort(self, upload, /):
        self.uploads.remove(upload)


class TestObservedMemoryDriver(DriverContract, CompareAndSwapContract, ComposeContract):
    @pytest.fixture
    def driver(self):
        return observed(MemoryDriver(), Notes())


class TestObservedFilesystemDriver(DriverContract, CompareAndSwapContract, ExtendContract, SendfileContract):
    @pytest.fixture
    async def driver(self, tmp_path):
        async with FilesystemDriver(tmp_path, fsync=False) as driver:
            yield observed(driver, Notes())


async def test_each_call_is_told_of_with_its_bytes():
    notes = Notes()
    driver = observed(MemoryDriver(), notes, clock=notes.clock)
    await driver.put("/a", b"12345")
    await driver.get("/a")
    await driver.stat("/a")
    await driver.move("/a", "/b")
    version = await driver.swap("/b", b"12", (await driver.get_version("/b"))[1])
    await driver.remove("/b", version)
    await driver.delete("/b")
    await driver.delete_tree("/b")
    assert notes.take() == [
        ("put", 5),
        ("get", 5),
        ("stat", 0),
        ("move", 0),
        ("get_version", 5),
        ("swap", 2),
        ("remove", 0),
        ("delete", 0),
        ("delete_tree", 0),
    ]


async def test_the_power_to_tell_of_multipart_uploads_is_lent():
    assert not isinstance(observed(MemoryDriver(), Notes()), SupportsMultipartPurge)
    notes, inner = Notes(), Multipart()
    driver = observed(inner, notes)
    assert isinstance(driver, SupportsMultipartPurge)
    async for upload in driver.unfinished("/", before=datetime(2027, 1, 1, tzinfo=UTC)):
        await driver.abort(upload)
    assert inner.uploads == []
    assert notes.take() == [("unfinished", 0), ("abort", 0), ("unfinished", 0)]


async def test_the_power_to_complete_what_others_left_is_lent():
    class Recovering(MemoryDriver):
        async def recover(self, path, /):
            await self.put(path, b"parts")

    assert not isinstance(observed(MemoryDriver(), Notes()), SupportsMultipartRecovery)
    notes, inner = Notes(), Recovering()
    driver = observed(inner, notes)
    assert isinstance(driver, SupportsMultipartRecovery)
    await driver.recover("/a")
    assert await inner.get("/a") == b"parts"
    assert notes.take() == [("recover", 0)]


async def test_the_steps_of_streams_are_told_of():
    notes = Notes()
    driver = observed(MemoryDriver(), notes)
    async with driver.writer("/a") as writer:
        await writer.write(b"123")
        await writer.write(b"45")
        await writer.commit()
    assert notes.take() == [("writer", 0), ("write", 3), ("write", 2), ("commit", 0)]
    async with driver.reader("/a") as chunks:
        async for _ in chunks:
            pass
    assert notes.take() == [("reader", 0), ("read", 5), ("read", 0)]


async def test_the_names_of_a_list_are_steps_of_one_call():
    notes = Notes()
    driver = observed(MemoryDriver(), notes, clock=notes.clock)
    for path in ("/a", "/b"):
        await driver.put(path, b"")
    notes.take()
    assert [name async for name in driver.list("/")] == ["a", "b"]
    assert notes.seen == [("list", 1, 0, type(None), first) for first in (True, False, False)]


async def test_an_error_and_a_cancellation_are_told_of():
    notes = Notes()
    driver = observed(MemoryDriver(), notes, clock=notes.clock)
    with pytest.raises(PathNotFound):
        await driver.get("/absent")

    class Hangs(MemoryDriver):
        async def get(self, path, /):
            await asyncio.Event().wait()

    task = asyncio.create_task(observed(Hangs(), notes, clock=notes.clock).get("/a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes.seen == [
        ("get", 1, 0, PathNotFound, True),
        ("get", 1, 0, asyncio.CancelledError, True),
    ]
