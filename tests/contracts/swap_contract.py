"""Writes that happen only if the file is as the caller believes."""

from __future__ import annotations

import asyncio

import pytest

from drivers.contract import Version
from drivers.errors import Conflict, InvalidPath, PathNotFound
from tests.contracts.samples import CONTENTS, MIB, names, outcomes, paths, write


class CompareAndSwapContract:
    @pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
    async def test_what_was_created_is_got_with_its_version(self, driver, content):
        version = await driver.create("/folder/file", content)
        assert await driver.get("/folder/file") == content
        assert await driver.get_version("/folder/file") == (content, version)

    async def test_a_version_is_the_same_until_the_file_changes(self, driver):
        await driver.put("/file", b"1")
        _, first = await driver.get_version("/file")
        assert await driver.get_version("/file") == (b"1", first)
        await driver.put("/file", b"2")
        _, second = await driver.get_version("/file")
        assert first != second

    async def test_an_absent_file_has_no_version(self, driver):
        await driver.put("/folder/file", b"1")
        for path in ("/absent", "/folder"):
            with pytest.raises(PathNotFound):
                await driver.get_version(path)

    @pytest.mark.parametrize("durable", [True, False])
    async def test_a_create_over_a_file_is_a_conflict_and_changes_nothing(self, driver, durable):
        await driver.create("/file", b"first", durable=durable)
        with pytest.raises(Conflict):
            await driver.create("/file", b"second", durable=durable)
        assert await driver.get("/file") == b"first"

    async def test_a_swap_replaces_its_version_and_no_other(self, driver):
        first = await driver.create("/file", b"first")
        second = await driver.swap("/file", b"second", first)
        assert await driver.get_version("/file") == (b"second", second)
        with pytest.raises(Conflict):
            await driver.swap("/file", b"third", first)
        assert await driver.get("/file") == b"second"

    async def test_a_swap_or_remove_of_an_absent_file_is_a_conflict(self, driver):
        version = await driver.create("/file", b"first")
        await driver.delete("/file")
        with pytest.raises(Conflict):
            await driver.swap("/file", b"second", version)
        with pytest.raises(Conflict):
            await driver.remove("/file", version)
        assert await names(driver, "/") == []

    async def test_a_remove_takes_its_version_and_no_other(self, driver):
        first = await driver.create("/folder/file", b"first")
        second = await driver.swap("/folder/file", b"second", first)
        with pytest.raises(Conflict):
            await driver.remove("/folder/file", first)
        assert await driver.get("/folder/file") == b"second"
        await driver.remove("/folder/file", second)
        assert await names(driver, "/") == []

    async def test_a_file_that_was_streamed_can_be_swapped_and_removed_by_the_version_of_its_commit(self, driver):
        version = await write(driver, "/file", b"1" * MIB, b"2" * MIB)
        other = await write(driver, "/other", b"3")
        with pytest.raises(Conflict):
            await driver.swap("/file", b"new", other)
        await driver.swap("/file", b"new", version)
        with pytest.raises(Conflict):
            await driver.remove("/file", version)
        await driver.remove("/other", other)
        assert await paths(driver, "/") == ["/file"]

    async def test_files_streamed_one_over_the_other_have_versions_of_their_own(self, driver):
        versions = {await write(driver, "/file", b"%02d" % number) for number in range(50)}
        assert len(versions) == 50

    async def test_verbs_refuse_an_invalid_path(self, driver):
        for call in (
            driver.get_version("/a/../b"),
            driver.create("/a//b", b""),
            driver.swap("a", b"", Version("1")),
            driver.remove("/", Version("1")),
        ):
            with pytest.raises(InvalidPath):
                await call

    async def test_of_fifty_racing_creates_exactly_one_wins(self, driver, twin):
        for turn in range(5):
            path = f"/race/{turn}/file"
            contents = [b"%d" % number for number in range(50)]
            won = await asyncio.gather(
                *((driver, twin)[n % 2].create(path, content) for n, content in enumerate(contents)),
                return_exceptions=True,
            )
            winners = [content for content, result in zip(contents, won, strict=True) if isinstance(result, str)]
            assert len(winners) == 1
            assert sum(isinstance(result, Conflict) for result in won) == 49
            assert await driver.get(path) == winners[0]

    async def test_of_fifty_racing_swaps_exactly_one_wins(self, driver, twin):
        version = await driver.create("/race/file", b"begin")
        for turn in range(5):
            won = await asyncio.gather(
                *((driver, twin)[n % 2].swap("/race/file", b"%d %d" % (turn, n), version) for n in range(50)),
                return_exceptions=True,
            )
            winners = [result for result in won if isinstance(result, str)]
            assert len(winners) == 1
            assert sum(isinstance(result, Conflict) for result in won) == 49
            version = winners[0]
            assert (await driver.get_version("/race/file"))[1] == version

    async def test_a_counter_swapped_by_many_loses_no_count(self, driver, twin):
        await driver.create("/counter", b"0")

        async def count(one):
            for _ in range(10):
                while True:
                    content, version = await one.get_version("/counter")
                    try:
                        await one.swap("/counter", b"%d" % (int(content) + 1), version)
                        break
                    except Conflict:
                        continue

        await asyncio.gather(*(count((driver, twin)[n % 2]) for n in range(6)))
        assert await driver.get("/counter") == b"60"

    async def test_swaps_and_removes_racing_let_one_of_them_win(self, driver, twin):
        for _ in range(10):
            version = await driver.create("/race/file", b"begin")
            succeeded, errors = await outcomes(
                *(driver.swap("/race/file", b"%d" % n, version) for n in range(5)),
                *(twin.remove("/race/file", version) for _ in range(5)),
            )
            assert (succeeded, errors) == (1, {Conflict})
            await driver.delete("/race/file")
