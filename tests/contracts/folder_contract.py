"""Lists and walks: a part of `DriverContract`."""

from __future__ import annotations

import pytest

from drivers.errors import PathNotFound
from tests.contracts.samples import NAMES, names, paths


class FolderContract:
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
