"""Pushes and pulls while one in ten requests to the bucket fails, against a server process of its own."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest
import yaml

from drivers.errors import PathNotFound
from drivers.s3 import open_driver
from tests.support.aging import age_files
from tests.support.buckets import tree
from tests.support.campaign import campaign, misnamed, unlucky, verify
from tests.support.campaign_clients import Tally, crowd
from tests.support.programs import ROOT
from tests.support.replicas import serving, settings
from tests.support.s3proxy import proxied
from tests.support.s3stores import BUCKET, versitygw

SEED = 20
STATE = ("/moorage/v1/state/uploads", "/moorage/v1/state/pieces")


@pytest.fixture
async def store(tmp_path):
    try:
        with versitygw(tmp_path / "store") as store:
            await store.create_bucket()
            yield store
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


@pytest.fixture
async def proxy(store):
    async with proxied(store) as proxy:
        yield proxy


async def run(proxy, server, plan, **scale):
    """Run a campaign, then look for anything that the server holds on to; return the tally."""
    tally = Tally()
    async with crowd(server.address, tally) as people:
        proxy.plan = plan
        await campaign(people, seed=SEED, **scale)
        proxy.plan = lambda _verb, _number: None
        # Whoever was refused can push now: no session, no budget of memory, no turn has been lost.
        refused, begun = tally.refused, len(tally.acknowledged)
        await campaign(people, pushes=16, pulls=0, at_once=16, seed=SEED)
        assert (tally.refused, len(tally.acknowledged)) == (refused, begun + 16)
    return tally


def purge(store, tmp_path):
    """Let two hours pass and purge all that is older than one, which is what the purge leaves to running requests."""
    age_files(tmp_path / "store", timedelta(hours=2), folders=True)
    config = tmp_path / "purge.yml"
    config.write_text(yaml.safe_dump({"version": "0.1", "storage": tree(store)}))
    command = [sys.executable, "-m", "app", "uploads", "purge", str(config), "--age", "0s"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def leftovers(store):
    """What is left in the bucket of uploads that have ended."""
    found = [f"in parts: {key}" for key in await store.uploads()]
    async with open_driver(store.settings()) as driver:
        for folder in STATE:
            try:
                found += [file.path async for file in driver.walk(folder)]
            except PathNotFound:
                continue
    return found


async def require_right(store, tally, tmp_path):
    """What holds after every campaign; returns how much was left before the purge."""
    assert tally.wrongs == []
    # Another process remembers nothing, and its store does not fail.
    async with serving(tmp_path / "other", settings(store)) as other, crowd(other.address, tally) as people:
        await verify(people)
    assert tally.wrongs == []
    assert misnamed(tmp_path / "store" / "buckets" / BUCKET) == []
    stale = await leftovers(store)
    for _ in range(2):  # what says that a session is over goes later than what it stored
        purge(store, tmp_path)
    assert await leftovers(store) == []
    assert tally.statuses().keys() <= {"200", "201", "202", "204", "206", "404", "503", "cut"}
    return len(stale)


async def test_a_registry_that_makes_one_attempt_says_503_and_loses_nothing(store, proxy, tmp_path):
    bucket = {"retrybudget": "0s", "requesttimeout": "1s", "transfertimeout": "5s"}
    async with serving(tmp_path / "registry", settings(proxy.store, **bucket)) as server:
        tally = await run(proxy, server, unlucky(SEED, stall=1.5), pushes=30, pulls=100, at_once=16)
        assert [line for line in server.lines if line["level"] == "error"] == []
    await require_right(store, tally, tmp_path)
    assert tally.statuses()["503"] > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bucket", [{}, {"retrybudget": "1s"}, {"retrybudget": "0s"}], ids=str)
async def test_300_pushes_and_1000_pulls_with_one_request_in_ten_failing(store, proxy, tmp_path, capsys, bucket):
    started = time.monotonic()
    async with serving(tmp_path / "registry", settings(proxy.store, **bucket)) as server:
        tally = await run(proxy, server, unlucky(SEED), pushes=300, pulls=1000, at_once=12)
        seconds, memory = time.monotonic() - started, server.memory("VmHWM") // 1024
        assert [line for line in server.lines if line["level"] == "error"] == []
    requests = len(proxy.taken())
    left = await require_right(store, tally, tmp_path)
    with capsys.disabled():
        print(f"\n{bucket}: {len(tally.acknowledged)} pushed, {tally.refused} given up, {tally.pulls} pulled")
        print(f"{tally.statuses()}; {tally.repeats} steps of pushes were repeated; {requests} requests to the store")
        print(f"{seconds:.0f} s, {memory} MiB at most; {left} files or uploads in parts were left to the purge")
