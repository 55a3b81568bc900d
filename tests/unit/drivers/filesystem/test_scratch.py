from __future__ import annotations

import errno
import os
import shutil
import time

import pytest

from drivers.errors import InvalidPath, PathNotFound
from drivers.filesystem import FilesystemDriver

HOUR = 3600


@pytest.fixture
async def driver(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False, scratch="/own/tmp") as driver:
        yield driver


def unfinished(tmp_path):
    return [entry for entry in (tmp_path / "own" / "tmp").iterdir() if entry.name != "locks"]


async def test_no_verb_reaches_into_the_scratch(driver):
    for path in ("/own/tmp", "/own/tmp/file", "/own/tmp/locks/00"):
        with pytest.raises(InvalidPath):
            await driver.stat(path)
        with pytest.raises(InvalidPath):
            await driver.put(path, b"")
        with pytest.raises(InvalidPath):
            await driver.delete_tree(path)
    await driver.put("/own/tmp2", b"x")
    assert [name async for name in driver.list("/own")] == ["tmp2"]
    assert [file.path async for file in driver.walk("/own")] == ["/own/tmp2"]


async def test_finished_calls_leave_nothing_in_it(driver, tmp_path):
    await driver.put("/a/file", b"x")
    version = await driver.create("/b", b"x")
    await driver.swap("/b", b"y", version)
    async with driver.writer("/c") as writer:
        await writer.write(b"x")
    async with driver.writer("/c") as writer:
        await writer.commit()
    await driver.delete_tree("/a")
    assert unfinished(tmp_path) == []


async def test_deleting_all_leaves_the_scratch_and_the_writers_in_it(driver, tmp_path):
    await driver.put("/own/file", b"x")
    async with driver.writer("/file") as writer:
        await writer.write(b"content")
        await driver.delete_tree("/")
        await driver.delete_tree("/own")
        assert len(unfinished(tmp_path)) == 1
        await writer.commit()
    assert await driver.get("/file") == b"content"


async def test_a_sweep_takes_what_is_old_and_leaves_what_is_in_use(tmp_path):
    clock = time.time_ns()
    async with FilesystemDriver(tmp_path, scratch="/own/tmp", now=lambda: clock) as driver:
        scratch = tmp_path / "own" / "tmp"
        (scratch / "left-by-a-crash").write_bytes(b"x")
        (scratch / "tree" / "deep").mkdir(parents=True)
        (scratch / "tree" / "deep" / "file").write_bytes(b"x")
        await driver.put("/file", b"x")
        assert await driver.sweep(HOUR) == 0
        assert len(unfinished(tmp_path)) == 2
        clock += 2 * HOUR * 10**9
        assert await driver.sweep(HOUR) == 2
        assert unfinished(tmp_path) == []
        assert (scratch / "locks").is_dir()
        assert await driver.get("/file") == b"x"


async def test_a_scratch_that_somebody_removed_is_made_again(driver, tmp_path):
    await driver.delete_tree("/")
    for entry in (tmp_path / "own" / "tmp" / "locks").iterdir():
        entry.unlink()
    (tmp_path / "own" / "tmp" / "locks").rmdir()
    (tmp_path / "own" / "tmp").rmdir()
    await driver.put("/file", b"x")
    assert await driver.get("/file") == b"x"


async def test_a_tree_is_deleted_though_somebody_removed_the_scratch(driver, tmp_path):
    await driver.put("/tree/file", b"x")
    shutil.rmtree(tmp_path / "own")
    await driver.delete_tree("/tree")
    with pytest.raises(PathNotFound):
        await driver.get("/tree/file")


async def test_what_cannot_be_swept_does_not_stop_the_start(driver, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / "own" / "tmp" / name).write_bytes(b"x")
    real = os.unlink

    def read_only(path, **more):
        if str(path).endswith("one"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        real(path, **more)

    monkeypatch.setattr(os, "unlink", read_only)
    assert await driver.sweep(-HOUR) == 1
    assert [entry.name for entry in unfinished(tmp_path)] == ["one"]


async def test_private_files_are_the_owners_alone_and_others_follow_the_umask(tmp_path):
    async with FilesystemDriver(tmp_path, private=("/state/secret", "/keys")) as driver:
        before = os.umask(0o022)
        try:
            await driver.create("/state/secret", b"x")
            await driver.put("/keys/one", b"x")
            await driver.put("/state/secrets", b"x")
            async with driver.writer("/blob") as writer:
                await writer.commit()
            async with driver.extend("/piece", create=True):
                pass
        finally:
            os.umask(before)
    modes = {
        path: (tmp_path / path).stat().st_mode & 0o777
        for path in ("state/secret", "keys/one", "state/secrets", "blob", "piece")
    }
    assert modes == {"state/secret": 0o600, "keys/one": 0o600, "state/secrets": 0o644, "blob": 0o644, "piece": 0o644}
