import asyncio

import pytest

from app.api.limits import ByteBudget


class Holder:
    """A task that holds part of a budget until it is told to let go."""

    def __init__(self, budget, size):
        self.holds, self.done = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(budget, size))

    async def _run(self, budget, size):
        async with budget.reserve(size):
            self.holds.set()
            await self.done.wait()

    async def finish(self):
        self.done.set()
        await self.task


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_gets_nothing_waits_until_enough_is_given_back():
    budget = ByteBudget(10)
    first, second = Holder(budget, 8), Holder(budget, 3)
    await first.holds.wait()
    await settle()
    assert not second.holds.is_set()
    await first.finish()
    await second.holds.wait()
    assert budget.free == 7
    await second.finish()
    assert budget.free == 10


async def test_a_small_one_does_not_overtake_a_large_one():
    budget = ByteBudget(10)
    first, large, small = Holder(budget, 5), Holder(budget, 10), Holder(budget, 1)
    await first.holds.wait()
    await settle()
    assert not large.holds.is_set()
    assert not small.holds.is_set()
    await first.finish()
    await large.holds.wait()
    assert not small.holds.is_set()
    await large.finish()
    await small.holds.wait()
    await small.finish()


async def test_more_than_there_is_counts_as_all_of_it():
    budget = ByteBudget(10)
    async with budget.reserve(1000):
        assert budget.free == 0
    assert budget.free == 10


async def test_whoever_is_cancelled_while_waiting_leaves_his_place_to_the_next():
    budget = ByteBudget(10)
    first, large, small = Holder(budget, 5), Holder(budget, 10), Holder(budget, 1)
    await first.holds.wait()
    await settle()
    large.task.cancel()
    await small.holds.wait()
    with pytest.raises(asyncio.CancelledError):
        await large.task
    await first.finish()
    await small.finish()
    assert budget.free == 10


async def test_whoever_is_cancelled_when_his_turn_has_just_come_gives_it_back():
    budget = ByteBudget(10)
    first = Holder(budget, 10)
    await first.holds.wait()
    second = Holder(budget, 10)
    await settle()
    first.done.set()
    await asyncio.sleep(0)  # the turn is given, and not taken yet
    second.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second.task
    await first.task
    assert budget.free == 10
