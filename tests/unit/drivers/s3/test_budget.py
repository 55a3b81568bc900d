from __future__ import annotations

import asyncio

import pytest

from drivers.s3.budget import ByteBudget


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_comes_first_is_served_first_though_less_would_fit():
    budget = ByteBudget(10)
    assert await budget.reserve(6) == 6
    large, small = asyncio.create_task(budget.reserve(10)), asyncio.create_task(budget.reserve(1))
    await turns()
    assert not large.done()
    assert not small.done()
    budget.release(6)
    assert await large == 10
    budget.release(10)
    assert await small == 1
    assert budget.free == 9


async def test_more_than_there_is_means_all_of_it():
    budget = ByteBudget(10)
    assert await budget.reserve(1000) == 10
    budget.release(10)
    assert budget.free == 10


@pytest.mark.parametrize("served", [False, True])
async def test_a_cancelled_waiter_keeps_nothing_and_holds_up_nobody(served):
    budget = ByteBudget(10)
    await budget.reserve(10)
    first, second = asyncio.create_task(budget.reserve(10)), asyncio.create_task(budget.reserve(3))
    await turns()
    if served:
        budget.release(10)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    if not served:
        budget.release(10)
    assert await second == 3
    assert budget.free == 7


async def test_sixteen_uploads_of_ten_share_room_for_nine_to_the_end():
    budget = ByteBudget(96)

    async def upload():
        for _ in range(5):
            reserved = await budget.reserve(10)
            await turns()
            budget.release(reserved)

    await asyncio.gather(*(upload() for _ in range(16)))
    assert budget.free == 96
