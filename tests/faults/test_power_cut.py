"""A power cut after any storage step, with what was not synced lost: only whole objects are served."""

from __future__ import annotations

import filecmp
import shutil
from typing import TYPE_CHECKING

import pytest

from app.main import registry
from tests.support.powercut import Disk, Outcome
from tests.support.running import configuration
from tests.support.scenario import Owed, check, whole, work
from tests.support.steps import Steps

if TYPE_CHECKING:
    from pathlib import Path


async def _record(root: Path) -> tuple[Disk, Steps]:
    root.mkdir()
    before = Disk(str(root))
    steps = Steps(str(root))
    with steps.watching():
        async with registry(configuration("filesystem", root), boot="before") as services:
            await work(services.namespace, steps.acknowledge)
    return before, steps


async def _look(folder: Path, owed: Owed) -> None:
    whole(folder)
    async with registry(configuration("filesystem", folder), boot="after") as services:
        await check(services.namespace, owed)


def _same(left: Path, right: Path) -> bool:
    compared = filecmp.dircmp(left, right, ignore=[])
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    _, mismatch, errors = filecmp.cmpfiles(left, right, compared.common_files, shallow=False)
    return not mismatch and not errors and all(_same(left / name, right / name) for name in compared.common_dirs)


async def test_the_recorder_sees_every_change_of_the_disk(tmp_path):
    disk, steps = await _record(tmp_path / "live")
    disk.apply(steps.seen)
    disk.write_to(str(tmp_path / "replayed"), Outcome.EVERYTHING)
    assert _same(tmp_path / "live", tmp_path / "replayed")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outcome", [Outcome.NOTHING, Outcome.NAMES], ids=lambda outcome: outcome.name.lower())
async def test_a_power_cut_after_any_step_leaves_only_whole_objects_and_all_that_was_acknowledged(outcome, tmp_path):
    disk, steps = await _record(tmp_path / "live")
    owed = Owed()
    looks = 0
    folder = tmp_path / "cut"
    for step in steps.seen:
        if step.verb == "ack":
            owed.learn(step.target)
        else:
            disk.apply([step])
        if step.verb not in ("write", "truncate"):
            disk.write_to(str(folder), outcome)
            await _look(folder, owed)
            shutil.rmtree(folder)
            looks += 1
    print(f"{looks} power cuts among {len(steps.seen)} steps")
    assert looks > 200


async def test_repeating_the_push_after_a_power_cut_mends_it(tmp_path):
    disk, steps = await _record(tmp_path / "live")
    half = len(steps.seen) // 2
    disk.apply(steps.seen[:half])
    folder = tmp_path / "cut"
    disk.write_to(str(folder), Outcome.NAMES)
    async with registry(configuration("filesystem", folder), boot="after") as services:
        owed = Owed()
        await work(services.namespace, owed.learn)
        await check(services.namespace, owed)
    whole(folder)
