"""What every driver has to do. A driver proves itself by subclassing, in ten lines:

    class TestMine(DriverContract, CompareAndSwapContract):
        @pytest.fixture
        async def driver(self, tmp_path):
            async with MyDriver(tmp_path) as driver:
                yield driver

The classes beside `DriverContract` are for the optional powers; one that is left out, or is there without the power,
fails. `twin` is a second driver on the same store, if there can be one: what another process would hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from drivers.contract import (
    Part,
    SupportsCompareAndSwap,
    SupportsCompose,
    SupportsExtend,
    SupportsSendfile,
    Version,
)
from drivers.errors import Busy, Conflict, InvalidOffset, InvalidPath, PathNotFound

KIB = 1 << 10
MIB = 1 << 20

VALID = [
    "/a",
    "/2",
    "/aa",
    "/a.a",
    "/0-9/abcdefg",
    "/abcdefg/z.75",
    "/abc/1.2.3.4.5-6_zyx/123.z/4",
    "/docker/docker-registry",
    "/123.abc",
    "/abc./abc",
    "/.abc",
    "/..abc",
    "/a--b",
    "/a-.b",
    "/_.abc",
    "/Docker/docker-registry",
    "/Abc/Cba",
    "/...",
    "/" + "x" * 200,
    "/long" * 60,
]
INVALID = [
    "",
    "/",
    "abc",
    "123.abc",
    "abc/",
    "/abc/",
    "//bcd",
    "/a//b",
    "/abc_123/",
    "/a b",
    " /a",
    "/a\n",
    "/a\0b",
    "/ä",
    "/a:b",
    "/a@b",
    "/.",
    "/..",
    "/a/../b",
    "/a/./b",
    "/a/..",
]
CONTENTS = {
    "nothing": b"",
    "text": b"hello",
    "newlines": b"\r\n\n\r",
    "not utf-8": bytes(range(256)),
    "zeros": bytes(1000),
    "32 KiB": os.urandom(32 * KIB),
    "64 KiB and a byte": os.urandom(64 * KIB + 1),
    "3 MiB": os.urandom(3 * MIB),
}
SIZES = [0, 1, 7, 32 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17]
# Byte order of names is not that of paths: in paths a slash follows each folder's name.
NAMES = ["1.0", "1.0-alpine", "1.0.1", "A", "_x", "a", "a-b", "a.b", "a0"]


async def read(driver, path, **how):
    async with driver.reader(path, **how) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def write(driver, path, *chunks):
    async with driver.writer(path) as writer:
        for chunk in chunks:
            await writer.write(chunk)
        return await writer.commit()


async def names(driver, path, **how):
    return [name async for name in driver.list(path, **how)]


async def paths(driver, path, **how):
    return [file.path async for file in driver.walk(path, **how)]


async def outcomes(*calls):
    """Run calls at once; return how many succeeded, and the set of the errors' types."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    return len(results) - len(errors), {type(error) for error in errors}


class DriverContract:
    @pytest.fixture
    def twin(self, driver):
        return driver

    async def test_it_has_a_name(self, driver):
        assert driver.name

    async def test_the_contract_of_each_power_it_claims_is_run_and_no_other(self, driver):
        for power, contract in POWERS.items():
            assert isinstance(driver, power) == isinstance(self, contract), power.__name__

    # paths

    async def test_the_root_of_an_empty_store_exists_and_is_empty(self, driver):
        assert (await driver.stat("/")).is_dir
        assert await names(driver, "/") == []
        assert await paths(driver, "/") == []

    @pytest.mark.parametrize("path", VALID)
    async def test_a_valid_path_is_written_and_read(self, driver, path):
        await driver.put(path, path.encode())
        assert await driver.get(path) == path.encode()
        assert await paths(driver, "/") == [path]

    @pytest.mark.parametrize("path", INVALID)
    async def test_an_invalid_path_is_refused_by_every_verb(self, driver, path):
        await driver.put("/good", b"x")
        calls = [
            driver.get(path),
            driver.put(path, b""),
            read(driver, path),
            write(driver, path, b""),
            driver.move(path, "/a"),
            driver.move("/good", path),
            driver.delete(path),
        ]
        if path != "/":
            calls += [driver.stat(path), names(driver, path), paths(driver, path), driver.delete_tree(path)]
        for call in calls:
            with pytest.raises(InvalidPath):
                await call
        assert await driver.get("/good") == b"x"

    # small files

    @pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
    async def test_what_was_put_is_got_and_streamed(self, driver, content):
        await driver.put("/some/where/file", content)
        assert await driver.get("/some/where/file") == content
        assert await read(driver, "/some/where/file") == content

    async def test_a_shorter_content_replaces_a_longer_one_whole(self, driver):
        await driver.put("/file", b"long content")
        await driver.put("/file", b"short")
        assert await driver.get("/file") == b"short"
        assert (await driver.stat("/file")).size == 5

    async def test_the_last_of_many_puts_on_one_path_wins(self, driver):
        for number in range(50):
            await driver.put("/file", b"%d" % number)
        assert await driver.get("/file") == b"49"

    async def test_of_racing_puts_one_is_there_whole(self, driver, twin):
        contents = [bytes([number]) * 5000 for number in range(20)]
        await asyncio.gather(*((driver, twin)[n % 2].put("/f/file", content) for n, content in enumerate(contents)))
        assert await driver.get("/f/file") in contents

    async def test_a_file_that_is_absent_is_not_found(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/folder/absent", "/folder/file/below", "/fold", "/folder/fil"):
            for call in (driver.get(path), driver.stat(path), read(driver, path)):
                with pytest.raises(PathNotFound):
                    await call

    async def test_a_folder_is_no_file(self, driver):
        await driver.put("/folder/file", b"x")
        for call in (driver.get("/folder"), read(driver, "/folder")):
            with pytest.raises(PathNotFound):
                await call

    # streams

    @pytest.mark.parametrize("size", SIZES)
    async def test_a_stream_of_odd_chunks_comes_back_whole(self, driver, size):
        content = os.urandom(size)
        step = size // 3 + 1
        await write(driver, "/folder/file", *(content[at : at + step] for at in range(0, size, step)))
        assert await read(driver, "/folder/file") == content
        assert (await driver.stat("/folder/file")).size == size

    async def test_a_writer_without_a_byte_makes_an_empty_file(self, driver):
        await write(driver, "/empty")
        assert await driver.get("/empty") == b""
        assert await read(driver, "/empty") == b""

    async def test_a_writer_counts_what_it_was_given(self, driver):
        async with driver.writer("/file") as writer:
            assert writer.size == 0
            await writer.write(b"12345")
            await writer.write(b"")
            await writer.write(b"678")
            assert writer.size == 8
            await writer.commit()

    async def test_a_writer_replaces_what_was_there_only_at_its_commit(self, driver):
        await driver.put("/file", b"old")
        async with driver.writer("/file") as writer:
            await writer.write(b"new content")
            assert await driver.get("/file") == b"old"
            await writer.commit()
            assert await driver.get("/file") == b"new content"

    async def test_a_writer_that_is_not_committed_leaves_no_trace(self, driver):
        async with driver.writer("/folder/file") as writer:
            await writer.write(b"x" * MIB)
            assert await paths(driver, "/") == []
        assert await names(driver, "/") == []
        for path in ("/folder/file", "/folder"):
            with pytest.raises(PathNotFound):
                await driver.stat(path)

    async def test_a_writer_whose_block_fails_leaves_no_trace(self, driver):
        async def fails():
            async with driver.writer("/folder/file") as writer:
                await writer.write(b"x")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fails()
        assert await names(driver, "/") == []

    async def test_a_writer_that_is_cancelled_leaves_no_trace(self, driver):
        written = asyncio.Event()

        async def never_commits():
            async with driver.writer("/folder/file") as writer:
                await writer.write(b"x")
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_commits())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(driver, "/") == []

    async def test_a_put_that_is_cancelled_has_happened_whole_or_not_at_all(self, driver):
        new = b"n" * MIB
        for turns in range(12):
            await driver.put("/file", b"old")
            task = asyncio.create_task(driver.put("/file", new))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = await driver.get("/file")
            assert found in {b"old", new}
            # And it is over: nothing happens behind the caller's back.
            await driver.put("/file", b"later")
            assert await driver.get("/file") == b"later"

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(0, None), (0, 0), (0, 1), (5, None), (5, 3), (MIB - 1, 2), (0, 2 * MIB + 5), (2 * MIB, None), (7, 2 * MIB)],
    )
    async def test_a_range_is_streamed(self, driver, offset, length):
        content = os.urandom(2 * MIB + 5)
        await driver.put("/file", content)
        end = None if length is None else offset + length
        assert await read(driver, "/file", offset=offset, length=length) == content[offset:end]

    @pytest.mark.parametrize("offset", [5, 6, 1000])
    async def test_an_offset_at_or_beyond_the_end_yields_nothing(self, driver, offset):
        await driver.put("/file", b"12345")
        assert await read(driver, "/file", offset=offset) == b""
        assert await read(driver, "/file", offset=offset, length=7) == b""

    async def test_a_length_beyond_the_end_stops_at_the_end(self, driver):
        await driver.put("/file", b"12345")
        assert await read(driver, "/file", offset=3, length=100) == b"45"

    async def test_a_negative_offset_is_refused(self, driver):
        await driver.put("/file", b"12345")
        with pytest.raises(InvalidOffset):
            await read(driver, "/file", offset=-1)

    async def test_a_reader_that_is_left_early_holds_up_nothing(self, driver):
        await driver.put("/file", os.urandom(3 * MIB))
        async with driver.reader("/file") as chunks:
            assert await anext(chunks)
        await driver.delete("/file")
        assert await names(driver, "/") == []

    async def test_an_open_reader_sees_its_file_whole_though_it_is_replaced_and_deleted(self, driver):
        old = os.urandom(5 * MIB)
        await driver.put("/file", old)
        async with driver.reader("/file") as chunks:
            parts = [await anext(chunks)]
            await driver.put("/file", b"new")
            parts.append(await anext(chunks))
            await driver.delete("/file")
            parts += [chunk async for chunk in chunks]
        assert b"".join(parts) == old

    async def test_ten_readers_at_once_read_the_same(self, driver):
        content = os.urandom(8 * MIB)
        await driver.put("/file", content)
        assert set(await asyncio.gather(*(read(driver, "/file") for _ in range(10)))) == {content}

    async def test_thirty_two_writers_at_once_write_their_own(self, driver):
        contents = {f"/folder{n % 3}/file{n}": os.urandom(MIB + n) for n in range(32)}
        await asyncio.gather(*(write(driver, path, content) for path, content in contents.items()))
        for path, content in contents.items():
            assert await driver.get(path) == content

    # stat

    async def test_stat_tells_of_a_file(self, driver):
        before = datetime.now(UTC) - timedelta(seconds=5)
        await driver.put("/folder/file", b"12345")
        info = await driver.stat("/folder/file")
        assert (info.path, info.size, info.is_dir) == ("/folder/file", 5, False)
        assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=5)
        assert info.modified.utcoffset() == timedelta(0)

    async def test_stat_tells_of_a_folder(self, driver):
        await driver.put("/folder/deep/file", b"12345")
        for path in ("/folder", "/folder/deep"):
            info = await driver.stat(path)
            assert (info.path, info.is_dir) == (path, True)

    # list

    async def test_a_list_has_the_direct_children_in_byte_order(self, driver):
        for name in reversed(NAMES):
            await driver.put(f"/folder/{name}/deep/file", b"x")
        await driver.put("/folder/file", b"x")
        await driver.put("/folder2/file", b"x")
        assert await names(driver, "/folder") == sorted([*NAMES, "file"])
        assert await names(driver, "/") == ["folder", "folder2"]

    @pytest.mark.parametrize("after", [*NAMES, "", "1", "1.", "1.0-", "1.0-z", "a/", "zz"])
    async def test_a_list_goes_on_after_a_name(self, driver, after):
        for name in NAMES:
            await driver.put(f"/folder/{name}/link", b"x")
        try:
            found = await names(driver, "/folder", after=after)
        except PathNotFound:
            found = []
        assert found == [name for name in NAMES if name > after]

    async def test_the_list_of_an_unknown_folder_is_not_found(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/fold", "/folder/absent", "/folder/file"):
            with pytest.raises(PathNotFound):
                await names(driver, path)

    # walk

    async def test_a_walk_has_every_file_in_byte_order_of_the_paths(self, driver):
        files = [f"/w/{name}/{deep}" for name in NAMES for deep in ("link", "a/link", "a-b/link", "a.b")]
        for path in reversed(files):
            await driver.put(path, path.encode())
        await driver.put("/w-sibling", b"x")
        await driver.put("/w0/sibling", b"x")
        found = [file async for file in driver.walk("/w")]
        assert [file.path for file in found] == sorted(files)
        assert all(file.size == len(file.path) and not file.is_dir for file in found)
        assert await paths(driver, "/w/1.0") == sorted(path for path in files if path.startswith("/w/1.0/"))

    async def test_a_walk_goes_on_after_any_path(self, driver):
        files = sorted(f"/w/{name}/{deep}" for name in NAMES for deep in ("link", "a/link", "a.b"))
        for path in files:
            await driver.put(path, b"x")
        marks = [mark for path in files for mark in (path, path[:-1], f"{path}0", path.rpartition("/")[0], f"{path}/")]
        for after in [*marks, "", "/", "/v", "/w", "/w/", "/x"]:
            assert await paths(driver, "/w", after=after) == [path for path in files if path > after], after

    async def test_a_walk_of_nothing_yields_nothing(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/fold", "/folder/file"):
            assert await paths(driver, path) == []

    async def test_a_walk_of_many_files_misses_none_while_others_come_and_go(self, driver):
        steady = sorted(f"/w/{n % 37}/{n}" for n in range(1200))
        for path in steady:
            await driver.put(path, b"")
        seen = []
        async for file in driver.walk("/w"):
            if len(seen) % 100 == 0:
                await driver.put(f"/w/{len(seen) % 37}/passing", b"")
                await driver.delete(f"/w/{len(seen) % 37}/passing")
            seen.append(file.path)
        assert [path for path in seen if not path.endswith("passing")] == steady
        assert len(seen) == len(set(seen))

    # move

    async def test_a_moved_file_is_there_and_no_more_here(self, driver):
        await driver.put("/from/file", b"content")
        await driver.move("/from/file", "/to/another/file")
        assert await driver.get("/to/another/file") == b"content"
        assert await paths(driver, "/") == ["/to/another/file"]
        assert await names(driver, "/") == ["to"]

    async def test_a_move_replaces_its_target(self, driver):
        await driver.put("/source", b"new")
        await driver.put("/target", b"old and longer")
        await driver.move("/source", "/target")
        assert await driver.get("/target") == b"new"
        assert await paths(driver, "/") == ["/target"]

    async def test_the_move_of_an_absent_file_leaves_the_target_alone(self, driver):
        await driver.put("/target", b"old")
        await driver.put("/folder/file", b"x")
        for source in ("/absent", "/folder/absent", "/folder"):
            with pytest.raises(PathNotFound):
                await driver.move(source, "/target")
        assert await driver.get("/target") == b"old"
        assert await driver.get("/folder/file") == b"x"

    async def test_a_file_moved_to_itself_stays(self, driver):
        await driver.put("/file", b"content")
        await driver.move("/file", "/file")
        assert await driver.get("/file") == b"content"

    # delete

    async def test_a_deleted_file_is_gone_and_its_neighbours_stay(self, driver):
        for path in ("/folder/file", "/folder/file2", "/folder/fil"):
            await driver.put(path, b"x")
        await driver.delete("/folder/file")
        assert await paths(driver, "/") == ["/folder/fil", "/folder/file2"]

    async def test_deleting_what_is_absent_is_no_error(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/folder/absent", "/absent/absent", "/folder/file/below", "/folder"):
            await driver.delete(path)
        assert await driver.get("/folder/file") == b"x"

    async def test_a_folder_goes_with_its_last_file(self, driver):
        await driver.put("/a/b/c/file", b"x")
        await driver.put("/a/other", b"x")
        await driver.delete("/a/b/c/file")
        assert await names(driver, "/a") == ["other"]
        await driver.delete("/a/other")
        for path in ("/a/b", "/a"):
            with pytest.raises(PathNotFound):
                await driver.stat(path)
            with pytest.raises(PathNotFound):
                await names(driver, path)

    async def test_a_deleted_tree_takes_all_below_it_and_no_sibling(self, driver):
        for path in ("/p/a/file", "/p/a/deep/er/file", "/p/a-b", "/p/a.b/file", "/p/ab", "/p/a0/file"):
            await driver.put(path, b"x")
        await driver.delete_tree("/p/a")
        assert await paths(driver, "/") == ["/p/a-b", "/p/a.b/file", "/p/a0/file", "/p/ab"]

    async def test_deleting_a_tree_that_is_absent_is_no_error(self, driver):
        await driver.put("/ab/file", b"x")
        for path in ("/a", "/a/b", "/ab/file/below"):
            await driver.delete_tree(path)
        assert await driver.get("/ab/file") == b"x"

    async def test_a_tree_is_no_file(self, driver):
        await driver.put("/ab/file", b"x")
        await driver.delete_tree("/ab/file")
        assert await driver.get("/ab/file") == b"x"

    async def test_a_deleted_root_lists_empty_and_can_be_used_again(self, driver):
        for path in ("/a/file", "/b", "/moorage/v1/state/now", "/docker/registry/v2/x"):
            await driver.put(path, b"x")
        await driver.delete_tree("/")
        assert await names(driver, "/") == []
        assert await paths(driver, "/") == []
        await driver.put("/a/file", b"y")
        assert await driver.get("/a/file") == b"y"


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


class ComposeContract:
    async def test_parts_and_tail_become_one_file_and_stay(self, driver):
        contents = {"/p/1": b"first ", "/p/2": os.urandom(100 * KIB), "/p/3": b""}
        parts = [Part(path, len(content), await write(driver, path, content)) for path, content in contents.items()]
        await driver.compose("/target/file", parts, b" tail")
        assert await driver.get("/target/file") == b"".join(contents.values()) + b" tail"
        for path, content in contents.items():
            assert await driver.get(path) == content

    async def test_a_tail_alone_and_nothing_at_all_are_files(self, driver):
        await driver.compose("/tail", [], b"tail")
        await driver.compose("/nothing", [])
        assert await driver.get("/tail") == b"tail"
        assert await driver.get("/nothing") == b""

    async def test_it_replaces_what_was_there(self, driver):
        await driver.put("/target", b"old")
        part = Part("/p", 3, await write(driver, "/p", b"new"))
        await driver.compose("/target", [part])
        assert await driver.get("/target") == b"new"

    async def test_a_part_that_is_gone_or_another_leaves_the_target_alone(self, driver):
        await driver.put("/target", b"old")
        one = Part("/p/1", 5, await write(driver, "/p/1", b"first"))
        two = Part("/p/2", 6, await write(driver, "/p/2", b"second"))
        await driver.put("/p/2", b"SECOND")
        with pytest.raises(PathNotFound):
            await driver.compose("/target", [one, two])
        await driver.delete("/p/2")
        with pytest.raises(PathNotFound):
            await driver.compose("/target", [one, two])
        assert await driver.get("/target") == b"old"

    @pytest.mark.parametrize(("size", "pieces"), [(10 * MIB, 3), (32, 100)], ids=["10 MiB", "32 B"])
    async def test_an_upload_goes_on_in_pieces(self, driver, size, pieces):
        content = os.urandom(size * pieces)
        parts = []
        for number in range(pieces):
            path = f"/upload/{number}"
            version = await write(driver, path, content[number * size : (number + 1) * size])
            parts.append(Part(path, (await driver.stat(path)).size, version))
        await driver.compose("/blob", parts, b"end")
        assert await read(driver, "/blob") == content + b"end"


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


class SendfileContract:
    async def test_the_descriptor_reads_the_file(self, driver):
        content = os.urandom(200 * KIB)
        await driver.put("/folder/file", content)
        async with driver.open_file("/folder/file") as descriptor:
            assert os.fstat(descriptor).st_size == len(content)
            assert os.pread(descriptor, len(content) + 1, 0) == content
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(descriptor, b"x")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)

    async def test_it_stays_good_though_the_file_is_replaced(self, driver):
        await driver.put("/file", b"old")
        async with driver.open_file("/file") as descriptor:
            await driver.put("/file", b"new content")
            await driver.delete("/file")
            assert os.pread(descriptor, 100, 0) == b"old"

    async def test_what_is_no_file_is_not_found(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/folder", "/folder/file/below"):
            with pytest.raises(PathNotFound):
                async with driver.open_file(path):
                    pass


class LargeFileContract:
    """For stores that are larger than memory."""

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_five_gibibytes_are_streamed_in_and_out(self, driver):
        chunk = os.urandom(MIB)
        hashed = hashlib.sha256()
        async with driver.writer("/large") as writer:
            for _ in range(5 * 1024):
                hashed.update(chunk)
                await writer.write(chunk)
            await writer.commit()
        assert (await driver.stat("/large")).size == 5 * 1024 * MIB
        found = hashlib.sha256()
        async with driver.reader("/large") as chunks:
            async for piece in chunks:
                found.update(piece)
        assert found.digest() == hashed.digest()

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_ten_readers_at_once_of_128_mebibytes(self, driver):
        content = os.urandom(128 * MIB)
        await write(driver, "/file", content)

        async def digest():
            hashed = hashlib.sha256()
            async with driver.reader("/file") as chunks:
                async for chunk in chunks:
                    hashed.update(chunk)
            return hashed.digest()

        assert set(await asyncio.gather(*(digest() for _ in range(10)))) == {hashlib.sha256(content).digest()}

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_thirty_two_writers_at_once_of_32_mebibytes(self, driver):
        chunks = [os.urandom(MIB) for _ in range(32)]
        await asyncio.gather(*(write(driver, f"/file{n}", *(chunks[n:] + chunks[:n])) for n in range(32)))
        for n in range(32):
            assert await driver.get(f"/file{n}") == b"".join(chunks[n:] + chunks[:n])


POWERS = {
    SupportsCompareAndSwap: CompareAndSwapContract,
    SupportsCompose: ComposeContract,
    SupportsExtend: ExtendContract,
    SupportsSendfile: SendfileContract,
}
