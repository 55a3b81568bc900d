from __future__ import annotations

import os
import socket

import pytest

from drivers.errors import PathNotFound
from drivers.filesystem import FilesystemDriver


@pytest.fixture
async def driver(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        yield driver


async def names(driver, path):
    return [name async for name in driver.list(path)]


async def paths(driver, path):
    return [file.path async for file in driver.walk(path)]


async def test_what_others_left_behind_is_passed_over(driver, tmp_path):
    await driver.put("/folder/good", b"x")
    folder = tmp_path / "folder"
    (folder / "a name").write_bytes(b"x")
    (folder / "ümlaut").write_bytes(b"x")
    (folder / "back~").write_bytes(b"x")
    (folder / "lost+found").mkdir()
    (folder / "lost+found" / "file").write_bytes(b"x")
    os.mkdir(os.fsencode(folder) + b"/\xff\xfe")
    os.mkfifo(folder / "fifo")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # the address of a socket is short
        try:
            listener.bind("socket")
        finally:
            os.chdir("/")
        assert await names(driver, "/folder") == ["good"]
        assert await paths(driver, "/") == ["/folder/good"]
        for path in ("/folder/fifo", "/folder/dangling", "/folder/loop"):
            with pytest.raises(PathNotFound):
                await driver.get(path)
        with pytest.raises(PathNotFound):
            async with driver.open_file("/folder/fifo"):
                pass
    await driver.delete_tree("/folder")
    assert not folder.exists()


async def test_a_folder_that_a_crash_left_empty_is_no_folder(driver, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(PathNotFound):
        await names(driver, "/a/b")
    assert await paths(driver, "/") == []


async def test_a_file_that_goes_while_a_walk_is_under_way_is_no_error(driver):
    for number in range(1000):
        await driver.put(f"/w/{number % 7}/{number}", b"")
    seen = 0
    async for _ in driver.walk("/w"):
        seen += 1
        if seen == 1:
            await driver.delete_tree("/w")
    assert 1 <= seen < 1000


async def test_more_files_than_a_batch_come_in_order(driver, tmp_path):
    (tmp_path / "w").mkdir()
    for number in range(3000):
        (tmp_path / "w" / f"{number}").touch()
    assert await paths(driver, "/w") == sorted(f"/w/{number}" for number in range(3000))
