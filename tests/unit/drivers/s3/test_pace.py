from __future__ import annotations

import asyncio

from drivers.s3.pace import Pace


async def run(pace, count):
    """Return how many were inside at most."""
    inside, most = 0, 0

    async def one():
        nonlocal inside, most
        async with pace.turn():
            inside += 1
            most = max(most, inside)
            for _ in range(3):
                await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(count)))
    return most


async def test_no_more_than_the_limit_are_inside_and_all_get_in():
    assert await run(Pace(7), 50) == 7


async def test_it_halves_down_to_a_few_and_is_won_back():
    pace = Pace(64)
    pace.slower()
    assert pace.limit == 32
    assert await run(pace, 100) == 32
    for _ in range(20):
        pace.slower()
    assert pace.limit == 4
    for _ in range(5000):
        pace.faster()
    assert pace.limit == 64


async def test_one_place_stays_one_place():
    pace = Pace(1)
    pace.slower()
    assert pace.limit == 1
    assert await run(pace, 5) == 1


async def test_a_cancelled_waiter_holds_up_nobody():
    pace = Pace(1)
    async with pace.turn():
        waiters = [asyncio.create_task(run(pace, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiters[0].cancel()
    waiters[1].cancel()
    assert await waiters[2] == 1
    assert await run(pace, 3) == 1
    await asyncio.gather(*waiters, return_exceptions=True)
