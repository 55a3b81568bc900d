"""The order of system calls, as strace sees it: what a power cut may take and what not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import dirname

import pytest

PROJECT = Path(__file__).parents[4]
CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat"
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
NAMES = re.compile(r'"([^"]*)"|<([^>]*)>')

SCRIPT = """
import asyncio, os, sys
from drivers.filesystem import FilesystemDriver

def mark(name):
    try:
        os.mkdir(f"/nowhere/mark/{name}")
    except OSError:
        pass

async def put(driver):
    mark("begin")
    await driver.put("/new/folder/file", b"x")

async def put_over(driver):
    await driver.put("/folder/file", b"x")
    mark("begin")
    await driver.put("/folder/file", b"y")

async def create(driver):
    mark("begin")
    await driver.create("/new/folder/file", b"x")

async def create_where_a_passing_file_made_the_folder(driver):
    await driver.create("/new/folder/passing", b"x", durable=False)
    mark("begin")
    await driver.create("/new/folder/deeper/file", b"x")

async def swap(driver):
    version = await driver.create("/folder/file", b"x")
    mark("begin")
    await driver.swap("/folder/file", b"y", version)

async def remove(driver):
    version = await driver.create("/folder/deep/file", b"x")
    mark("begin")
    await driver.remove("/folder/deep/file", version)

async def commit(driver):
    mark("begin")
    async with driver.writer("/new/folder/file") as writer:
        await writer.write(b"x" * 100000)
        await writer.commit()

async def publish(driver):
    await driver.put("/pieces/one/other", b"x")
    mark("begin")
    async with driver.extend("/pieces/two/piece", create=True) as held:
        await held.write(b"x" * 100000)
        await held.publish("/blobs/ab/data")

async def move(driver):
    await driver.put("/folder/deep/file", b"x")
    mark("begin")
    await driver.move("/folder/deep/file", "/new/folder/file")

async def delete(driver):
    await driver.put("/folder/other", b"x")
    await driver.put("/folder/deep/er/file", b"x")
    mark("begin")
    await driver.delete("/folder/deep/er/file")

async def delete_tree(driver):
    await driver.put("/folder/other", b"x")
    await driver.put("/folder/deep/er/file", b"x")
    mark("begin")
    await driver.delete_tree("/folder/deep")

async def create_passing(driver):
    mark("begin")
    await driver.create("/new/folder/file", b"x", durable=False)

async def main():
    async with FilesystemDriver(sys.argv[2], fsync=sys.argv[3] == "fsync") as driver:
        await globals()[sys.argv[1]](driver)
        mark("end")

asyncio.run(main())
"""


def trace(tmp_path, verb, fsync="fsync"):
    """Run a verb; return its successful calls, each a name and paths relative to the root, and those before it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    out = tmp_path / "trace"
    root = tmp_path / "root"
    command = ["strace", "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(out)]
    run = subprocess.run(
        [*command, sys.executable, "-c", SCRIPT, verb, str(root), fsync],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "ptrace" in run.stderr and "not permitted" in run.stderr:
        pytest.skip(f"strace may not trace here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    calls, mark = [], 0
    for line in out.read_text().splitlines():
        assert "unfinished" not in line, "two calls at once: the trace has no order"
        match = CALL.match(line)
        assert match, line
        if "/nowhere/mark/begin" in line:
            mark = len(calls)
        paths = [one or other for one, other in NAMES.findall(match[2])]
        if match[3] == "0" and all(path.startswith(str(tmp_path)) for path in paths):
            calls.append((match[1], *(path.removeprefix(str(root)).rstrip("/") for path in paths)))
    return calls, mark


def is_scratch(path):
    return path.startswith("/moorage/v1/tmp/")


def unsynced(calls):
    """Return the folders whose entries changed after they were last synced."""
    changed = set()
    for name, *paths in calls:
        if name == "fsync":
            changed.discard(paths[0])
        elif name in {"mkdir", "rmdir", "unlink", "rename", "link"}:
            changed |= {dirname(path).rstrip("/") for path in paths if not is_scratch(path)}
            if name == "rmdir" or (name == "rename" and is_scratch(paths[1])):  # what is gone needs no sync
                changed -= {folder for folder in changed if f"{folder}/".startswith(f"{paths[0]}/")}
    return changed


@pytest.mark.parametrize(
    "verb",
    [
        "put",
        "put_over",
        "create",
        "create_where_a_passing_file_made_the_folder",
        "swap",
        "remove",
        "commit",
        "publish",
        "move",
        "delete",
        "delete_tree",
    ],
)
def test_each_changed_folder_is_synced_before_the_verb_returns(tmp_path, verb):
    calls, mark = trace(tmp_path, verb)
    assert any(name in {"rename", "link", "unlink"} for name, *_ in calls[mark:])
    assert unsynced(calls) == set()


@pytest.mark.parametrize("verb", ["put", "put_over", "create", "swap", "commit", "publish"])
def test_the_bytes_are_synced_before_the_name_and_the_name_before_the_folder(tmp_path, verb):
    calls, mark = trace(tmp_path, verb)
    calls = calls[mark:]
    [(position, source, target)] = [
        (position, paths[0], paths[1]) for position, (name, *paths) in enumerate(calls) if name in {"rename", "link"}
    ]
    assert ("fsync", source) in calls[:position]
    assert ("fsync", dirname(target)) in calls[position + 1 :]


def test_a_passing_file_costs_no_sync(tmp_path):
    calls, mark = trace(tmp_path, "create_passing")
    assert "link" in [name for name, *_ in calls[mark:]]
    assert "fsync" not in [name for name, *_ in calls[mark:]]


@pytest.mark.parametrize("verb", ["put", "commit", "publish", "delete"])
def test_a_driver_that_was_told_not_to_sync_does_not(tmp_path, verb):
    calls, _ = trace(tmp_path, verb, "nosync")
    assert "fsync" not in [name for name, *_ in calls]
