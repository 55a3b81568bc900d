import asyncio

import pytest

from app.registry.together import together


async def test_results_come_in_the_order_of_the_items_and_never_too_many_run():
    running = most = 0

    async def step(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10 - number % 10):
            await asyncio.sleep(0)
        running -= 1
        return number * 2

    assert await together(step, range(50), at_once=8) == [number * 2 for number in range(50)]
    assert most == 8


async def test_nothing_still_runs_when_a_failure_is_raised():
    ended = []

    async def step(number):
        if number == 1:
            raise LookupError
        for _ in range(5):
            await asyncio.sleep(0)
        ended.append(number)

    with pytest.raises(LookupError):
        await together(step, range(10), at_once=4)
    assert ended == [0, 2, 3]


async def test_nothing_still_runs_after_cancellation():
    ended = []
    started = asyncio.Event()

    async def step(number):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    task = asyncio.create_task(together(step, range(3)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [0, 1, 2]
