"""Who is believed: leases, new epochs and waits, on clocks that are moved by hand and one store that all share."""

from __future__ import annotations

import asyncio
import logging

import pytest

from app.registry import layout
from app.registry.state import Now
from cache.contract import CacheUnavailable, Lease
from tests.support.counting import counted
from tests.support.epochs import Answering, epoch_of, said, say, started
from tests.support.faulty import faulty
from tests.support.watched import WatchedDriver

# Leases.


async def test_nothing_is_believed_before_the_first_answer(driver, time, redis):
    assert epoch_of(driver, time, redis).lease() is None


async def test_an_answer_counts_for_two_seconds_and_the_next_one_renews_it(driver, time, redis):
    epoch = await started(driver, time, redis)
    time.now += 1.9
    held = epoch.lease()
    await epoch.poll()
    time.now += 1.9
    assert epoch.lease() == held
    time.now += 0.2
    assert epoch.lease() is None


async def test_an_answer_that_comes_late_counts_from_when_it_was_asked_for(driver, time, redis):
    watched = WatchedDriver(driver)
    epoch = await started(watched, time, redis)

    async def late(_):
        time.now += 1.5

    watched.before = late
    await epoch.poll()
    time.now += 0.4
    assert epoch.lease() is not None
    time.now += 0.1
    assert epoch.lease() is None
    time.now += 1
    await epoch.poll()

    async def later(_):
        time.now += 2

    watched.before = later
    await epoch.poll()
    assert epoch.lease() is None


async def test_a_poll_is_one_read_and_a_store_that_fails_ends_the_lease(driver, time, redis, caplog):
    watched, calls = counted(driver)
    epoch = await started(watched, time, redis)
    calls.taken()
    await epoch.poll()
    assert calls.taken() == ["get_version"]
    away, fault = faulty(driver)
    epoch = await started(away, time, redis)
    caplog.clear()
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        time.now += 1
        fault.at = fault.steps + 1
        await epoch.poll()
    assert fault.struck == "get_version"
    assert epoch.lease() is None
    assert len(caplog.records) == 1
    await epoch.poll()
    assert epoch.lease() is not None


@pytest.mark.parametrize("content", [b"", b"{}", None])
async def test_a_state_that_is_damaged_or_gone_is_not_believed_and_not_replaced(driver, time, redis, content):
    epoch = await started(driver, time, redis)
    time.now += 2
    await (driver.delete(layout.NOW) if content is None else driver.put(layout.NOW, content))
    await epoch.poll()
    assert epoch.lease() is None
    with pytest.raises(CacheUnavailable):
        await epoch.abandon()


# New epochs.


async def test_who_starts_makes_a_new_epoch_that_trusts_no_redis_and_leaves_the_collector_alone(driver, time, redis):
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    now = await said(driver)
    assert now.epoch != "first"
    assert (now.redis, now.collector, now.active) == (None, 7, True)
    assert epoch.lease() == Lease(now.epoch, None)


async def test_who_starts_where_no_redis_is_trusted_needs_no_new_epoch(driver, time, redis):
    await say(driver, Now("untrusting"))
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    assert await said(driver) == Now("untrusting")
    assert epoch.lease() == Lease("untrusting", None)


async def test_a_start_needs_one_new_epoch_only(driver, time, redis):
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    started = Now((await said(driver)).epoch, redis="R")
    await say(driver, started)  # another process was first to trust it
    await epoch.poll()
    assert await said(driver) == started


async def test_a_start_whose_swap_is_lost_believes_nothing_until_one_is_won(driver, time, redis):
    watched = WatchedDriver(driver)
    epoch = epoch_of(watched, time, redis)

    async def others(call):
        if call.verb == "swap":
            await say(driver, Now("others", redis="R"))

    watched.before = others
    await epoch.poll()
    assert epoch.lease() is None
    watched.before = None
    await epoch.poll()
    assert epoch.lease() == Lease((await said(driver)).epoch, None)
    assert (await said(driver)).epoch != "others"


async def test_another_redis_that_answers_means_a_new_epoch_that_trusts_none(driver, time, redis):
    epoch = await started(driver, time, redis)
    before = await said(driver)
    redis.identity = "S"
    await epoch.poll()
    after = await said(driver)
    assert after.epoch != before.epoch
    assert after.redis is None
    assert epoch.lease() == Lease(after.epoch, None)


async def test_a_redis_that_does_not_answer_is_no_other_one(driver, time, redis):
    epoch = await started(driver, time, redis)
    before = await said(driver)
    redis.identity = ""
    await epoch.poll()
    assert await said(driver) == before
    assert epoch.lease() == Lease(before.epoch, "R")


async def test_a_new_epoch_whose_answer_is_lost_is_found_by_the_next_poll(driver, time, redis):
    away, fault = faulty(driver)
    epoch = await started(away, time, redis)
    redis.identity = "S"
    fault.at, fault.lost = fault.steps + 2, True
    await epoch.poll()
    assert fault.struck == "swap"
    await epoch.poll()
    assert epoch.lease() == Lease((await said(driver)).epoch, None)


# Trust.


async def test_a_redis_is_trusted_after_the_wait_and_no_earlier(driver, time, redis):
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    raised = await said(driver)
    time.now += 2.4
    await epoch.poll()
    assert (await said(driver)).redis is None
    time.now += 0.1
    await epoch.poll()
    assert await said(driver) == Now(raised.epoch, 7, active=True, redis="R")
    assert epoch.lease() == Lease(raised.epoch, "R")


@pytest.mark.parametrize("trusted", ["R", None])
async def test_the_wait_begins_when_the_state_was_surely_there(driver, time, redis, trusted):
    await say(driver, Now("before", redis=trusted))
    watched = WatchedDriver(driver)
    epoch = epoch_of(watched, time, redis)

    async def late(_):
        time.now += 1

    watched.before = late
    await epoch.poll()
    watched.before = None
    time.now += 2.4
    await epoch.poll()
    assert (await said(driver)).redis is None
    time.now += 0.1
    await epoch.poll()
    assert (await said(driver)).redis == "R"


@pytest.mark.parametrize("change", [Now("another"), Now("first", collector=8)])
async def test_a_state_that_changed_during_the_wait_is_waited_for_anew(driver, time, redis, change):
    await say(driver, Now("first"))
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    time.now += 2
    await say(driver, change)
    await epoch.poll()
    time.now += 2.4
    await epoch.poll()
    assert await said(driver) == change
    time.now += 0.1
    await epoch.poll()
    assert (await said(driver)).redis == "R"


async def test_a_state_that_changes_at_the_last_instant_is_waited_for_anew(driver, time, redis):
    await say(driver, Now("first"))
    watched = WatchedDriver(driver)
    epoch = epoch_of(watched, time, redis)
    await epoch.poll()

    async def others(call):
        if call.verb == "swap":
            await say(driver, Now("another"))

    watched.before = others
    time.now += 2.5
    await epoch.poll()
    assert await said(driver) == Now("another")
    watched.before = None
    await epoch.poll()
    time.now += 2.4
    await epoch.poll()
    assert await said(driver) == Now("another")


async def test_nobody_is_trusted_while_redis_does_not_answer(driver, time, redis):
    redis.identity = ""
    epoch = epoch_of(driver, time, redis)
    for _ in range(5):
        await epoch.poll()
        time.now += 1
    assert (await said(driver)).redis is None
    redis.identity = "R"
    await epoch.poll()
    assert (await said(driver)).redis == "R"


# Two processes.


async def test_two_processes_come_to_trust_one_redis_in_one_epoch(driver, time, redis):
    here, there = epoch_of(driver, time, redis), epoch_of(driver, time, redis)
    for _ in range(5):
        await here.poll()
        await there.poll()
        time.now += 1
    await there.poll()
    await here.poll()
    assert here.lease() == there.lease() == Lease((await said(driver)).epoch, "R")


async def test_two_processes_on_two_masters_never_both_believe_theirs(driver, time):
    here, there = epoch_of(driver, time, Answering("R")), epoch_of(driver, time, Answering("S"))
    trusted = set()
    for turn in range(40):
        await (here if (turn % 3 > 0) == (turn < 20) else there).poll()  # first one polls more often, then the other
        leases = [epoch.lease() for epoch in (here, there)]
        believed = [held is not None and held.redis == own for held, own in zip(leases, "RS", strict=True)]
        assert not all(believed)
        trusted.update(own for own, believes in zip("RS", believed, strict=True) if believes)
        time.now += 0.7
    assert trusted == {"R", "S"}


# Without compare-and-swap, and the loop.


async def test_without_compare_and_swap_nothing_is_believed_and_nothing_given_up(time, redis):
    epoch = epoch_of(None, time, redis)
    async with epoch.kept():
        await epoch.poll()
        await epoch.abandon()
        assert epoch.lease() is None
    assert time.slept == []


async def test_inside_the_block_it_polls_every_second_and_outside_no_more(driver, time, redis):
    watched = WatchedDriver(driver)
    polls = asyncio.Semaphore(0)

    async def seen(_):
        polls.release()

    watched.before = seen
    epoch = epoch_of(watched, time, redis)
    async with epoch.kept():
        for _ in range(8):
            await polls.acquire()
        assert epoch.lease() == Lease((await said(driver)).epoch, "R")
    assert set(time.slept) == {0, 1.0}
    calls = len(watched.calls)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(watched.calls) == calls


async def test_a_poll_that_hangs_ends_with_the_block(driver, time, redis):
    away, fault = faulty(driver)
    fault.at, fault.hangs = 1, True
    epoch = epoch_of(away, time, redis)
    async with epoch.kept():
        await fault.reached.wait()
    assert epoch.lease() is None
    await epoch.poll()
    assert epoch.lease() is not None
