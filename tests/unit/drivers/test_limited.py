from __future__ import annotations

import asyncio

import pytest

from drivers.filesystem import FilesystemDriver
from drivers.limited import limited
from drivers.memory import MemoryDriver
from tests.contracts.driver_contract import (
    CompareAndSwapContract,
    ComposeContract,
    DriverContract,
    ExtendContract,
    SendfileContract,
)


class TestLimitedMemoryDriver(DriverContract, CompareAndSwapContract, ComposeContract):
    @pytest.fixture
    def driver(self):
        return limited(MemoryDriver(), 1)


class TestLimitedFilesystemDriver(DriverContract, CompareAndSwapContract, ExtendContract, SendfileContract):
    @pytest.fixture
    async def driver(self, tmp_path):
        async with FilesystemDriver(tmp_path, fsync=False) as driver:
            yield limited(driver, 1)


class Slow(MemoryDriver):
    """Notes how many are in `get` at once."""

    def __init__(self):
        super().__init__()
        self.inside = 0
        self.most = 0

    async def get(self, path, /):
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            return await super().get(path)
        finally:
            self.inside -= 1


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_steps_run_at_once_than_are_let(most):
    slow = Slow()
    await slow.put("/a", b"x")
    driver = limited(slow, most)
    assert await asyncio.gather(*(driver.get("/a") for _ in range(20))) == [b"x"] * 20
    assert slow.most == most


async def test_an_open_reader_and_writer_hold_no_slot():
    driver = limited(MemoryDriver(), 1)
    await driver.put("/a", b"x" * 3_000_000)
    async with driver.reader("/a") as chunks, driver.writer("/b") as writer:
        async for chunk in chunks:
            await writer.write(chunk)
            await driver.put("/c", b"x")
        await writer.commit()
    assert await driver.get("/b") == await driver.get("/a")


async def test_a_cancelled_step_gives_its_slot_back():
    driver = limited(Slow(), 1)
    tasks = [asyncio.create_task(driver.get("/a")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await driver.put("/a", b"x")
    assert await driver.get("/a") == b"x"
