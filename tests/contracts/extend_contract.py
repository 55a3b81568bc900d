"""Files that grow in place."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

import pytest

from drivers.errors import Busy, Conflict, InvalidOffset, InvalidPath, PathNotFound
from tests.contracts.samples import MIB, names, outcomes, paths, read


class ExtendContract:
    async def test_a_new_file_grows_and_is_published(self, driver):
        async with driver.extend("/pieces/one", create=True) as held:
            assert held.size == 0
            await held.write(b"first ")
            await held.write(b"second")
            assert held.size == 12
            assert await driver.get("/pieces/one") == b"first second"
            await held.publish("/blobs/data")
        assert await driver.get("/blobs/data") == b"first second"
        assert await paths(driver, "/") == ["/blobs/data"]
        assert await names(driver, "/") == ["blobs"]

    async def test_an_empty_new_file_can_be_published(self, driver):
        async with driver.extend("/pieces/one", create=True) as held:
            await held.publish("/blobs/data")
        assert await driver.get("/blobs/data") == b""

    @pytest.mark.parametrize(("size", "pieces"), [(10 * MIB, 3), (32, 100)], ids=["10 MiB", "32 B"])
    async def test_an_upload_goes_on_in_pieces(self, driver, twin, size, pieces):
        content = os.urandom(size * pieces)
        for number in range(pieces):
            async with (driver, twin)[number % 2].extend("/upload/piece", create=number == 0) as held:
                assert held.size == number * size
                await held.write(content[number * size : (number + 1) * size])
        async with driver.extend("/upload/piece") as held:
            await held.publish("/blob")
        assert await read(driver, "/blob") == content

    async def test_what_was_written_stays_whatever_happens_in_the_block(self, driver):
        async def fails():
            async with driver.extend("/piece", create=True) as held:
                await held.write(b"kept")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fails()
        assert await driver.get("/piece") == b"kept"

    async def test_a_cut_file_goes_on_from_the_cut(self, driver):
        async with driver.extend("/piece", create=True) as held:
            await held.write(b"0123456789")
            await held.truncate(10)
            await held.truncate(4)
            assert held.size == 4
            await held.write(b"X")
            assert held.size == 5
            for size in (6, -1):
                with pytest.raises(InvalidOffset):
                    await held.truncate(size)
        assert await driver.get("/piece") == b"0123X"

    async def test_a_published_file_replaces_what_was_there(self, driver):
        await driver.put("/target", b"old and longer")
        async with driver.extend("/piece", create=True) as held:
            await held.write(b"new")
            assert await driver.get("/target") == b"old and longer"
            await held.publish("/target")
        assert await driver.get("/target") == b"new"

    async def test_an_absent_file_is_not_extended(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/folder/absent", "/folder"):
            with pytest.raises(PathNotFound):
                async with driver.extend(path):
                    pass
        assert await paths(driver, "/") == ["/folder/file"]

    async def test_a_new_file_over_an_old_one_is_a_conflict_and_changes_nothing(self, driver):
        await driver.put("/piece", b"old")
        with pytest.raises(Conflict):
            async with driver.extend("/piece", create=True):
                pass
        assert await driver.get("/piece") == b"old"

    async def test_paths_are_checked(self, driver):
        with pytest.raises(InvalidPath):
            async with driver.extend("/a/../b", create=True):
                pass
        async with driver.extend("/a", create=True) as held:
            with pytest.raises(InvalidPath):
                await held.publish("/a/../b")
        assert await paths(driver, "/") == ["/a"]

    @pytest.mark.parametrize("wait", [0, 0.05])
    async def test_a_held_file_is_busy_for_all_others(self, driver, twin, wait):
        async with driver.extend("/piece", create=True):
            for other in (driver, twin):
                with pytest.raises(Busy):
                    async with other.extend("/piece", wait=wait):
                        pass
        async with twin.extend("/piece", wait=0) as held:
            await held.write(b"free")
        assert await driver.get("/piece") == b"free"

    async def test_a_waiter_gets_its_turn_when_the_holder_leaves(self, driver, twin):
        for path, other in (("/one", driver), ("/two", twin)):
            async with AsyncExitStack() as stack:
                held = await stack.enter_async_context(driver.extend(path, create=True))

                async def waits(path=path, other=other):
                    async with other.extend(path, wait=60) as late:
                        return late.size

                task = asyncio.create_task(waits())
                await asyncio.sleep(0)
                await held.write(b"12345")
                await stack.aclose()
                assert await task == 5

    async def test_a_waiter_finds_a_published_file_gone(self, driver, twin):
        for other in (driver, twin):
            async with AsyncExitStack() as stack:
                held = await stack.enter_async_context(driver.extend("/piece", create=True))

                async def waits(other=other):
                    async with other.extend("/piece", wait=60):
                        pass

                task = asyncio.create_task(waits())
                await asyncio.sleep(0)
                await held.publish("/blob")
                await stack.aclose()
                with pytest.raises(PathNotFound):
                    await task

    async def test_a_waiter_that_is_cancelled_gives_up_its_place(self, driver, twin):
        async with driver.extend("/piece", create=True):
            for other in (driver, twin):

                async def waits(other=other):
                    async with other.extend("/piece", wait=60):
                        pass

                tasks = [asyncio.create_task(waits()) for _ in range(3)]
                for turn, task in enumerate(tasks):
                    for _ in range(turn * 3):
                        await asyncio.sleep(0)
                    task.cancel()
                assert {type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)} == {
                    asyncio.CancelledError
                }
        async with twin.extend("/piece", wait=0) as held:
            assert held.size == 0

    async def test_a_deleted_file_cannot_be_published(self, driver):
        async with driver.extend("/piece", create=True) as held:
            await held.write(b"x")
            await driver.delete("/piece")
            with pytest.raises(PathNotFound):
                await held.publish("/blob")
        assert await paths(driver, "/") == []

    async def test_racing_holders_write_one_after_the_other(self, driver, twin):
        async with driver.extend("/piece", create=True):
            pass

        async def append(one, letter):
            async with one.extend("/piece", wait=60) as held:
                for _ in range(4):
                    await held.write(letter * 100)
                    await asyncio.sleep(0)

        letters = [bytes([65 + n]) for n in range(20)]
        await asyncio.gather(*(append((driver, twin)[n % 2], letter) for n, letter in enumerate(letters)))
        content = await driver.get("/piece")
        runs = [content[at : at + 400] for at in range(0, len(content), 400)]
        assert sorted(runs) == [letter * 400 for letter in letters]

    async def test_of_racing_publishers_exactly_one_wins(self, driver, twin):
        async with driver.extend("/piece", create=True) as held:
            await held.write(b"content")

        async def publish(one):
            async with one.extend("/piece", wait=60) as held:
                await held.publish("/blobs/data")

        succeeded, errors = await outcomes(*(publish((driver, twin)[n % 2]) for n in range(20)))
        assert (succeeded, errors) == (1, {PathNotFound})
        assert await driver.get("/blobs/data") == b"content"
