"""What Redis holds is given up: nobody believes it when that returns, whatever else goes on."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from app.registry.epoch import Epoch
from app.registry.state import Now, Present
from cache.contract import CacheUnavailable, Lease
from tests.support.counting import counted
from tests.support.epochs import epoch_of, said, say, started
from tests.support.faulty import faulty
from tests.support.watched import WatchedDriver


async def test_when_a_process_has_given_up_what_redis_holds_no_other_believes_it(driver, time, redis):
    here = await started(driver, time, redis)
    there = epoch_of(driver, time, redis)
    await say(driver, Now("common"))
    await there.poll()
    await here.poll()
    time.now += 2.5
    await there.poll()
    await here.poll()
    assert here.lease() == there.lease() == Lease("common", "R")
    began = time.now
    await here.abandon()
    assert time.now == began + 2.5
    assert there.lease() is None
    await there.poll()
    assert there.lease() == Lease((await said(driver)).epoch, None)


async def test_the_answer_to_a_poll_from_before_a_new_epoch_does_not_bring_the_old_one_back(driver, time, redis):
    watched = WatchedDriver(driver)
    seen, asked, answer = [], asyncio.Event(), asyncio.Event()

    class Slow:
        """The poll reads at once, and is answered when the test says so."""

        async def get_version(self, path):
            watched.inner = driver
            found = await driver.get_version(path)
            asked.set()
            await answer.wait()
            return found

    async def answered_during_the_wait(seconds):
        answer.set()
        await poll
        seen.append(epoch.lease())
        time.now += seconds

    time.sleep = answered_during_the_wait
    epoch = await started(watched, time, redis)
    watched.inner = Slow()
    poll = asyncio.create_task(epoch.poll())
    await asked.wait()
    time.now += 0.1
    await epoch.abandon()
    assert seen == [Lease((await said(driver)).epoch, None)]


async def test_where_no_redis_is_trusted_giving_up_is_one_read_and_the_wait(driver, time, redis):
    await say(driver, Now("untrusting"))
    watched, calls = counted(driver)
    epoch = epoch_of(watched, time, redis)
    began = time.now
    await epoch.abandon()
    assert calls.taken() == ["get_version"]
    assert await said(driver) == Now("untrusting")
    assert time.now == began + 2.5


@pytest.mark.parametrize(("trusted", "calls"), [("R", 2), (None, 1)])
async def test_the_wait_begins_when_the_new_epoch_was_surely_there(driver, time, redis, trusted, calls):
    await say(driver, Now("first", redis=trusted))
    watched = WatchedDriver(driver)

    async def late(_):
        time.now += 1

    watched.before = late
    began = time.now
    await epoch_of(watched, time, redis).abandon()
    assert time.now == began + calls + 2.5


async def test_the_wait_goes_on_until_the_clock_says_so(driver, time, redis):
    async def short(seconds):
        await time.sleep(min(seconds, 1.0))

    epoch = Epoch(Present(driver), identify=redis, new_id=lambda: "new", clock=time, sleep=short)
    began = time.now
    await epoch.abandon()
    assert time.now == began + 2.5
    assert len(time.slept) == 3


async def test_giving_up_that_loses_a_swap_looks_again(driver, time, redis):
    watched = WatchedDriver(driver)
    epoch = epoch_of(watched, time, redis)
    rivals = iter([Now("rival-1", redis="R"), Now("rival-2", redis="S"), Now("rival-3")])

    async def others(call):
        if call.verb == "swap":
            await say(driver, next(rivals))

    watched.before = others
    await epoch.abandon()
    assert await said(driver) == Now("rival-3")
    assert epoch.lease() is None


async def test_giving_up_that_always_loses_is_not_promised(driver, time, redis):
    numbers = itertools.count()
    watched = WatchedDriver(driver)
    epoch = epoch_of(watched, time, redis)

    async def others(call):
        if call.verb == "swap":
            await say(driver, Now(f"rival-{next(numbers)}", redis="R"))

    watched.before = others
    with pytest.raises(CacheUnavailable):
        await epoch.abandon()


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("at", [1, 2])
async def test_giving_up_in_a_store_that_fails_is_not_promised(driver, time, redis, at, lost):
    away, fault = faulty(driver)
    epoch = epoch_of(away, time, redis)
    fault.at, fault.lost = at, lost
    with pytest.raises(CacheUnavailable):
        await epoch.abandon()
    assert time.slept == []
    await epoch.abandon()
    assert (await said(driver)).redis is None


async def test_giving_up_that_is_cancelled_at_any_step_leaves_a_state_that_works(driver, time, redis):
    for turns in range(8):
        await say(driver, Now(f"before-{turns}", redis="R"))
        epoch = epoch_of(driver, time, redis)
        task = asyncio.create_task(epoch.abandon())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await epoch.poll()
        now = await said(driver)
        assert now.epoch != f"before-{turns}"
        assert epoch.lease() == Lease(now.epoch, now.redis)
