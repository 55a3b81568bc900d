"""Paths, small files, stat, move and delete: a part of `DriverContract`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from drivers.errors import InvalidPath, PathNotFound
from tests.contracts.samples import CONTENTS, INVALID, VALID, names, paths, read, write


class FileContract:
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

    async def test_stat_tells_of_a_file(self, driver):
        before = datetime.now(UTC) - timedelta(seconds=5)
        await driver.put("/folder/file", b"12345")
        info = await driver.stat("/folder/file")
        assert (info.path, info.size, info.is_dir) == ("/folder/file", 5, False)
        assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=5)
        assert info.modified.utcoffset() == timedelta(0)

    async def test_stat_of_files_only_finds_no_folder(self, driver):
        await driver.put("/folder/file", b"12345")
        assert (await driver.stat("/folder/file", file=True)).size == 5
        for path in ("/", "/folder", "/folder/none", "/fold"):
            with pytest.raises(PathNotFound):
                await driver.stat(path, file=True)

    async def test_stat_tells_of_a_folder(self, driver):
        await driver.put("/folder/deep/file", b"12345")
        for path in ("/folder", "/folder/deep"):
            info = await driver.stat(path)
            assert (info.path, info.is_dir) == (path, True)

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
