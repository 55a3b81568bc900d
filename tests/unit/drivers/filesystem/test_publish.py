from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.errors import InvalidPath, PathNotFound, Unavailable
from drivers.filesystem import FilesystemDriver

PROJECT = Path(__file__).parents[4]
MIB = 1 << 20


@pytest.fixture
async def driver(tmp_path):
    async with FilesystemDriver(tmp_path / "root", fsync=False) as driver:
        yield driver


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one mebibyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a tmpfs here: {error}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_files_made_and_deleted_at_once_in_one_folder_never_fail_for_want_of_it(driver, tmp_path):
    async def come_and_go(number):
        for turn in range(40):
            path = f"/deep/er/folder/{number}"
            if turn % 3 == 0:
                await driver.put(path, b"x")
            elif turn % 3 == 1:
                await driver.create(path, b"x")
            else:
                async with driver.extend(f"/deep/er/pieces/{number}", create=True) as held:
                    await held.write(b"x")
                    await held.publish(path)
            assert await driver.get(path) == b"x"
            await driver.delete(path)

    await asyncio.gather(*(come_and_go(number) for number in range(16)))
    assert not (tmp_path / "root" / "deep").exists()


async def test_trees_deleted_while_files_are_made_in_them_never_fail_either(driver):
    async def fill(number):
        for turn in range(40):
            await driver.put(f"/tree/{number % 3}/{number}-{turn}", b"x")

    async def fell():
        for _ in range(60):
            await driver.delete_tree("/tree")

    await asyncio.gather(fell(), *(fill(number) for number in range(8)))
    await driver.delete_tree("/tree")
    assert [name async for name in driver.list("/")] == []


async def test_readers_while_a_file_is_replaced_see_an_old_or_a_new_one_whole(driver):
    size = 200_000
    await driver.put("/file", b"0" * size)
    done = asyncio.Event()

    async def replace():
        for number in range(100):
            if number % 2:
                await driver.put("/file", b"%d" % (number % 10) * size)
            else:
                async with driver.writer("/file") as writer:
                    await writer.write(b"%d" % (number % 10) * (size // 2))
                    await writer.write(b"%d" % (number % 10) * (size // 2))
                    await writer.commit()
        done.set()

    async def look():
        looks = 0
        while not done.is_set():
            content = await driver.get("/file")
            assert content == content[:1] * size
            looks += 1
        return looks

    results = await asyncio.gather(replace(), *(look() for _ in range(3)))
    assert all(looks > 1 for looks in results[1:])


async def test_a_full_disk_is_unavailable_and_keeps_what_was_there(small_disk):
    async with FilesystemDriver(small_disk) as driver:
        await driver.put("/file", b"old")
        _, version = await driver.get_version("/file")
        too_much = os.urandom(2 * MIB)
        with pytest.raises(Unavailable, match="No space left on device"):
            await driver.put("/file", too_much)
        with pytest.raises(Unavailable, match="No space left on device"):
            await driver.swap("/file", too_much, version)
        with pytest.raises(Unavailable, match="No space left on device"):
            await driver.create("/new/file", too_much)
        async with driver.writer("/file") as writer:
            await writer.write(b"x")
            with pytest.raises(Unavailable, match="No space left on device"):
                await writer.write(too_much)
            with pytest.raises(Unavailable, match="earlier write"):
                await writer.commit()
        assert await driver.get("/file") == b"old"
        assert [file.path async for file in driver.walk("/")] == ["/file"]
        # And what failed gave its room back.
        await driver.put("/file", os.urandom(MIB // 2))


async def test_a_full_disk_leaves_an_extended_file_with_an_honest_size(small_disk):
    async with FilesystemDriver(small_disk) as driver:
        async with driver.extend("/piece", create=True) as held:
            await held.write(b"x" * 1000)
            with pytest.raises(Unavailable):
                await held.write(os.urandom(2 * MIB))
            assert held.size == (small_disk / "piece").stat().st_size
            assert held.size >= 1000
            await held.truncate(1000)
            await held.write(b"y")
        assert await driver.get("/piece") == b"x" * 1000 + b"y"


LIMITED = """
import asyncio, resource, sys
from drivers.errors import Unavailable
from drivers.filesystem import FilesystemDriver

async def main():
    async with FilesystemDriver(sys.argv[1]) as driver:
        await driver.put("/file", b"old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        for call in (driver.put("/file", bytes(200_000)), driver.create("/new", bytes(200_000))):
            try:
                await call
            except Unavailable as error:
                print(error)
        async with driver.writer("/file") as writer:
            try:
                await writer.write(bytes(200_000))
            except Unavailable as error:
                print(error)
        print(await driver.get("/file"), [file.path async for file in driver.walk("/")])

asyncio.run(main())
"""


def test_a_file_that_may_not_grow_is_unavailable_and_keeps_what_was_there(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "/file: File too large",
        "/new: File too large",
        "/file: File too large",
        "b'old' ['/file']",
    ]


async def test_a_disk_that_may_only_be_read_serves_what_is_there_and_says_so(small_disk):
    async with FilesystemDriver(small_disk / "root") as driver:
        await driver.put("/file", b"x")
        assert driver.warnings == ()
    remount = await asyncio.create_subprocess_exec("mount", "-o", "remount,ro", str(small_disk))
    assert await remount.wait() == 0
    async with FilesystemDriver(small_disk / "root") as driver:
        assert "can't be written to" in driver.warnings[0]
        assert await driver.get("/file") == b"x"
        for call in (driver.put("/file", b"y"), driver.create("/new", b""), driver.delete("/file")):
            with pytest.raises(Unavailable, match="Read-only"):
                await call
    with pytest.raises(Unavailable, match="Read-only"):
        FilesystemDriver(small_disk / "other")


async def test_a_file_where_a_folder_should_be_is_unavailable_and_stays(driver):
    await driver.put("/a", b"x")
    await driver.put("/folder/file", b"x")
    for call in (driver.put("/a/b", b""), driver.create("/a/b/c", b""), driver.put("/folder", b"")):
        with pytest.raises(Unavailable, match="stands where"):
            await call
    assert [file.path async for file in driver.walk("/")] == ["/a", "/folder/file"]


async def test_a_delete_that_is_repeated_mends_what_a_crash_left_of_the_first(driver, tmp_path):
    (tmp_path / "root" / "tags" / "v1" / "current").mkdir(parents=True)
    await driver.put("/tags/v2/current/link", b"x")
    await driver.delete("/tags/v1/current/link")
    assert [name async for name in driver.list("/tags")] == ["v2"]


async def test_a_root_that_is_gone_is_not_made_anew(driver, tmp_path):
    shutil.rmtree(tmp_path / "root")
    with pytest.raises(Unavailable):
        await driver.put("/folder/file", b"x")
    with pytest.raises(PathNotFound):
        await driver.get("/folder/file")
    assert not (tmp_path / "root").exists()


async def test_a_component_longer_than_the_disk_can_hold_is_an_invalid_path(driver):
    long = "/" + "x" * 300
    for call in (driver.get(long), driver.put(long, b""), driver.stat(long), driver.create(long, b"")):
        with pytest.raises(InvalidPath):
            await call


async def test_a_file_that_shrinks_under_its_reader_is_unavailable(driver, tmp_path):
    async with driver.extend("/piece", create=True) as held:
        await held.write(os.urandom(5 * MIB))
        for how in ({}, {"length": 4 * MIB}):
            async with driver.reader("/piece", **how) as chunks:
                await anext(chunks)
                await held.truncate(2 * MIB)
                with pytest.raises(Unavailable, match="missing"):
                    async for _ in chunks:
                        pass
            await held.write(os.urandom(3 * MIB))


async def test_a_name_that_cannot_be_synced_is_unavailable_and_not_acknowledged(tmp_path, monkeypatch):
    def sick(descriptor):
        raise OSError(5, "Input/output error")

    async with FilesystemDriver(tmp_path) as driver:
        await driver.put("/file", b"old")
        monkeypatch.setattr(os, "fsync", sick)
        for call in (driver.put("/file", b"new"), driver.create("/new", b"")):
            with pytest.raises(Unavailable, match="Input/output error"):
                await call
        async with driver.writer("/file") as writer:
            with pytest.raises(Unavailable, match="Input/output error"):
                await writer.commit()
        async with driver.extend("/piece", create=True) as held:
            with pytest.raises(Unavailable, match="Input/output error"):
                await held.publish("/file")
        assert await driver.get("/file") == b"old"
        assert [name async for name in driver.list("/")] == ["file"]


@pytest.fixture
async def sick_once(tmp_path, monkeypatch):
    """A driver that is told once, at the next sync of a file, that its bytes are lost; then the system calls them safe."""
    real, told = os.fsync, []

    def sick(descriptor):
        if not told and not os.path.isdir(f"/proc/self/fd/{descriptor}"):
            told.append(descriptor)
            raise OSError(5, "Input/output error")
        real(descriptor)

    async with FilesystemDriver(tmp_path) as driver:
        await driver.put("/file", b"old")
        monkeypatch.setattr(os, "fsync", sick)
        yield driver


async def test_a_new_file_whose_sync_failed_is_not_published_by_trying_again(sick_once):
    async with sick_once.writer("/file") as writer:
        await writer.write(b"new")
        for _ in range(2):
            with pytest.raises(Unavailable):
                await writer.commit()
    assert await sick_once.get("/file") == b"old"


async def test_a_growing_file_whose_sync_failed_is_gone_and_not_published_by_trying_again(sick_once):
    async with sick_once.extend("/piece", create=True) as held:
        await held.write(b"new")
        with pytest.raises(Unavailable):
            await held.publish("/file")
        with pytest.raises(PathNotFound):
            await held.publish("/file")
    with pytest.raises(PathNotFound):
        async with sick_once.extend("/piece"):
            pass
    assert await sick_once.get("/file") == b"old"
