"""`kill -9` between any two storage steps: what was acknowledged stays, what is visible is whole, repeating mends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.main import registry
from tests.support.running import configuration
from tests.support.scenario import Owed, check, whole, work

_PROJECT = Path(__file__).parents[2]


@pytest.fixture
def crasher():
    program = [sys.executable, "-m", "tests.support.crasher"]
    with subprocess.Popen(program, cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def crash(root: Path, die_at: int, *, after: bool) -> dict:
            process.stdin.write(json.dumps({"root": str(root), "die_at": die_at, "after": after}) + "\n")
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


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_kill_at_every_single_storage_step_loses_nothing_that_was_acknowledged(crasher, tmp_path):
    crashes = await _sweep(crasher, tmp_path, 1, 1)
    print(f"{crashes} crashes")
    assert crashes >= 600
