"""`kill -9` between any two storage steps: what was acknowledged stays, what is visible is whole, repeating mends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.main import purging, registry
from app.oci.digest import Digest
from app.oci.reference import RepositoryName
from tests.support.aging import age_files
from tests.support.running import configuration
from tests.support.scenario import Owed, check, whole, work

_PROJECT = Path(__file__).parents[2]
NAME = RepositoryName.parse("team/app")


@pytest.fixture
def crasher():
    program = [sys.executable, "-m", "tests.support.crasher"]
    with subprocess.Popen(program, cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def crash(root: Path, die_at: int, *, after: bool, purge: bool = False) -> dict:
            order = {"root": str(root), "die_at": die_at, "after": after, "purge": purge}
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield crash
        process.stdin.close()


async def _crash_and_look(crasher, root: Path, step: int, *, after: bool) -> bool:
    """Crash once; return whether the work came to its end before that step."""
    root.mkdir()
    end = crasher(root, step, after=after)
    if end["status"] == 0:
        return True
    assert end["status"] == -signal.SIGKILL, f"step {step}: the work failed by itself"
    owed = Owed()
    for mark in end["marks"]:
        owed.learn(mark)
    whole(root)
    async with registry(configuration("filesystem", root)) as services:
        await check(services.namespace, owed)
        again = Owed()
        await work(services.namespace, again.learn)
        await check(services.namespace, again)
    assert whole(root) >= 19
    return False


async def _sweep(crasher, tmp_path: Path, first: int, stride: int) -> int:
    crashes = 0
    for step in range(first, 10_000, stride):
        for after in (False, True):
            if await _crash_and_look(crasher, tmp_path / f"{step}-{after}", step, after=after):
                return crashes
            crashes += 1
    raise AssertionError("the work never ends")


@pytest.mark.timeout(300)
async def test_a_kill_at_any_storage_step_loses_nothing_that_was_acknowledged(crasher, tmp_path):
    crashes = await _sweep(crasher, tmp_path, 1, 3)
    print(f"{crashes} crashes")
    assert crashes >= 200


async def _leave_uploads(root: Path):
    """Leave a session of ours and one of the Go registry, both old, and return a young one."""
    async with registry(configuration("filesystem", root)) as services:
        blobs = services.namespace.repository(NAME).blobs
        old = blobs.begin()
        for body in (b"first", b"second"):
            async with blobs.resume(old) as writer:
                await writer.write(body)
                old = await writer.park()
        go = root / f"docker/registry/v2/repositories/{NAME}/_uploads/u"
        go.mkdir(parents=True)
        for name in ("data", "startedat"):
            (go / name).write_bytes(b"left")
        age_files(root, timedelta(days=8))
        async with blobs.resume(blobs.begin()) as writer:
            await writer.write(b"young")
            return await writer.park()


def _leftovers(root: Path) -> set[str]:
    folders = (root / "moorage/v1/state/pieces", root / "docker")
    return {str(path) for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(300)
async def test_a_purge_that_is_killed_at_any_storage_step_is_finished_by_the_next(crasher, tmp_path):
    crashes = 0
    for step in range(1, 10_000, 2):
        for after in (False, True):
            root = tmp_path / f"{step}-{after}"
            young = await _leave_uploads(root)
            end = crasher(root, step, after=after, purge=True)
            if end["status"] == 0:
                print(f"{crashes} crashes")
                assert crashes >= 20
                return
            assert end["status"] == -signal.SIGKILL
            crashes += 1
            async with purging(configuration("filesystem", root)) as purge:
                assert (await purge.run(timedelta(days=7))).skipped == ()
            assert [Path(path).parent.name for path in _leftovers(root)] == [young.id]
            async with (
                registry(configuration("filesystem", root)) as services,
                services.namespace.repository(NAME).blobs.resume(young) as writer,
            ):
                await writer.commit(Digest.of(b"young"))
            assert whole(root) == 2


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_kill_at_every_single_storage_step_loses_nothing_that_was_acknowledged(crasher, tmp_path):
    crashes = await _sweep(crasher, tmp_path, 1, 1)
    print(f"{crashes} crashes")
    assert crashes >= 600
