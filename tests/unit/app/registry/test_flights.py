"""One piece of work for all who ask at the same time."""

from __future__ import annotations

import asyncio

import pytest

from app.registry.flights import Flights


class Work:
    """Work that ends when the test says so."""

    def __init__(self):
        self.begun = 0
        self.cancelled = 0
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.error = None

    async def __call__(self):
        self.begun += 1
        self.started.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return self.begun


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def flights():
    return Flights()


async def test_those_who_ask_meanwhile_share_the_work(flights, work):
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(10)]
    await work.started.wait()
    work.may_end.set()
    assert await asyncio.gather(*tasks) == [1] * 10
    assert not flights._flights


async def test_who_asks_afterwards_begins_anew(flights, work):
    work.may_end.set()
    assert await flights.join("key", work) == 1
    assert await flights.join("key", work) == 2


async def test_other_keys_are_other_work(flights, work):
    work.may_end.set()
    assert sorted(await asyncio.gather(flights.join("a", work), flights.join("b", work))) == [1, 2]


async def test_all_hear_of_a_failure_and_the_next_one_tries_again(flights, work):
    work.error = LookupError("no")
    work.may_end.set()
    outcomes = await asyncio.gather(*(flights.join("key", work) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no"] * 3
    work.error = None
    assert await flights.join("key", work) == 2


async def test_the_work_goes_on_when_the_one_who_began_it_is_cancelled(flights, work):
    first = asyncio.create_task(flights.join("key", work))
    await work.started.wait()
    second = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.may_end.set()
    assert await second == 1
    assert work.cancelled == 0


async def test_the_work_ends_with_the_last_who_waits_for_it(flights, work):
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(3)]
    await work.started.wait()
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3
    assert work.cancelled == 1
    assert not flights._flights
    work.may_end.set()
    assert await flights.join("key", work) == 2


async def test_a_failure_that_nobody_waits_for_any_more_is_silent(flights, work):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def stubborn():
        try:
            await work()
        except asyncio.CancelledError:
            raise LookupError from None

    task = asyncio.create_task(flights.join("key", stubborn))
    await work.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    await asyncio.sleep(0)
    assert complaints == []
