"""Several processes on one folder, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers.errors import PathNotFound
from drivers.filesystem import FilesystemDriver

PROJECT = Path(__file__).parents[4]

SCRIPT = """
import asyncio, sys
from drivers.errors import Conflict, PathNotFound
from drivers.filesystem import FilesystemDriver

async def extend(driver, me):
    for _ in range(40):
        async with driver.extend("/piece", wait=60) as held:
            for _ in range(4):
                await held.write(me.encode() * 100)

async def publish(driver, me):
    for number in range(60):
        try:
            async with driver.extend(f"/pieces/{number}/piece", wait=60) as held:
                await held.publish(f"/blobs/{number}")
        except PathNotFound:
            continue
        print(number)

async def create(driver, me):
    for number in range(60):
        try:
            await driver.create(f"/race/{number}/file", me.encode())
        except Conflict:
            continue
        print(number)

async def count(driver, me):
    for _ in range(30):
        while True:
            content, version = await driver.get_version("/counter")
            try:
                await driver.swap("/counter", b"%d" % (int(content) + 1), version)
                break
            except Conflict:
                continue

async def come_and_go(driver, me):
    for number in range(100):
        await driver.put(f"/deep/folder/{me}", b"x")
        await driver.delete(f"/deep/folder/{me}")

async def put_forever(driver, me):
    number = 0
    while True:
        await driver.put("/folder/file", b"%08d" % number * 20000)
        print(number, flush=True)
        number += 1

async def commit_forever(driver, me):
    number = 0
    while True:
        async with driver.writer("/folder/file") as writer:
            for _ in range(4):
                await writer.write(b"%08d" % number * 5000)
            await writer.commit()
        print(number, flush=True)
        number += 1

async def publish_forever(driver, me):
    number = 0
    while True:
        async with driver.extend(f"/pieces/{number}", create=True) as held:
            for _ in range(4):
                await held.write(b"%08d" % number * 5000)
            await held.publish("/folder/file")
        print(number, flush=True)
        number += 1

async def hold_forever(driver, me):
    async with driver.extend("/piece") as held:
        await held.write(b"x")
        print("held", flush=True)
        await asyncio.Event().wait()

async def main():
    async with FilesystemDriver(sys.argv[1], fsync=False) as driver:
        sys.stdin.readline()
        await globals()[sys.argv[2]](driver, sys.argv[3])

asyncio.run(main())
"""


def start(root, verb, me):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), verb, me],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def race(root, verb, people="AB"):
    """Run a verb in several processes that begin together; return what each printed."""
    with ExitStack() as stack:
        processes = [stack.enter_context(start(root, verb, me)) for me in people]
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        printed = [process.communicate(timeout=100)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(people)
    return printed


@pytest.fixture
async def driver(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        yield driver


async def test_processes_extend_one_file_one_after_the_other(driver, tmp_path):
    async with driver.extend("/piece", create=True):
        pass
    race(tmp_path, "extend", "ABC")
    content = await driver.get("/piece")
    runs = [content[at : at + 400] for at in range(0, len(content), 400)]
    assert sorted(runs) == sorted(me * 400 for me in (b"A", b"B", b"C") for _ in range(40))


async def test_of_two_publishing_processes_exactly_one_wins_each_race(driver, tmp_path):
    for number in range(60):
        async with driver.extend(f"/pieces/{number}/piece", create=True) as held:
            await held.write(b"%d" % number)
    one, other = race(tmp_path, "publish")
    assert sorted(map(int, one + other)) == list(range(60))
    for number in range(60):
        assert await driver.get(f"/blobs/{number}") == b"%d" % number


async def test_of_two_creating_processes_exactly_one_wins_each_race(driver, tmp_path):
    one, other = race(tmp_path, "create")
    assert sorted(map(int, one + other)) == list(range(60))
    for number in range(60):
        assert await driver.get(f"/race/{number}/file") == (b"A" if str(number) in one else b"B")


async def test_a_counter_that_processes_swap_loses_no_count(driver, tmp_path):
    await driver.put("/counter", b"0")
    race(tmp_path, "count", "ABC")
    assert await driver.get("/counter") == b"90"


async def test_processes_that_make_and_prune_one_folder_do_not_trip_each_other(driver, tmp_path):
    race(tmp_path, "come_and_go", "ABC")
    with pytest.raises(PathNotFound):
        await driver.stat("/deep")


@pytest.mark.parametrize("verb", ["put_forever", "commit_forever", "publish_forever"])
async def test_a_process_killed_while_it_publishes_leaves_an_old_or_a_new_file_whole(driver, tmp_path, verb):
    for turn in range(8):
        with start(tmp_path, verb, "A") as process:
            process.stdin.write("go\n")
            process.stdin.flush()
            for _ in range(turn * 3 + 1):
                acknowledged = int(process.stdout.readline())
            process.kill()
            acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        content = await driver.get("/folder/file")
        number = int(content[:8])
        assert content == b"%08d" % number * 20000
        assert number in {acknowledged, acknowledged + 1}
        await driver.delete_tree("/folder")
        await driver.delete_tree("/pieces")
        assert [file.path async for file in driver.walk("/")] == []


async def test_a_killed_holder_gives_its_lock_back(driver, tmp_path):
    async with driver.extend("/piece", create=True):
        pass
    with start(tmp_path, "hold_forever", "A") as process:
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        process.kill()
    async with driver.extend("/piece", wait=0) as held:
        assert held.size == 1
