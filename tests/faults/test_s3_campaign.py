"""Pushes and pulls while one in ten requests to the bucket fails, against a server process of its own."""

import time

import pytest

from tests.support.campaign import campaign, misnamed, unlucky, verify
from tests.support.campaign_clients import Tally, crowd
from tests.support.campaign_remains import leftovers, purge
from tests.support.replicas import serving, settings
from tests.support.s3proxy import proxied
from tests.support.s3stores import BUCKET, versitygw

SEED = 20


@pytest.fixture
async def store(tmp_path):
    with versitygw(tmp_path / "store") as store:
        await store.create_bucket()
        yield store


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


async def require_right(store, tally, tmp_path):
    """What holds after every campaign; returns how much was left before the purge."""
    assert tally.wrongs == []
    # Another process remembers nothing, and its store does not fail.
    async with serving(tmp_path / "other", settings(store)) as other, crowd(other.address, tally) as people:
        await verify(people)
    assert tally.wrongs == []
    assert misnamed(tmp_path / "store" / "buckets" / BUCKET) == []
    stale = await leftovers(store)
    await purge(store, tmp_path / "store", tmp_path / "purge.yml")
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
