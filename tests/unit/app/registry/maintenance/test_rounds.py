"""Work in the background comes again, whatever happens to it, and ends with its block."""

import asyncio
import logging

import pytest

from app.registry.maintenance.rounds import rounds


class Pauses:
    """Waits that end when the test says so."""

    def __init__(self):
        self.asked = asyncio.Queue()
        self.over = asyncio.Semaphore(0)

    async def __call__(self, seconds):
        self.asked.put_nowait(seconds)
        await self.over.acquire()


async def test_the_first_round_comes_after_its_delay_and_the_next_ones_at_their_interval():
    pauses, done = Pauses(), asyncio.Queue()

    async def work():
        done.put_nowait("work")

    async with rounds("work", work, first=5, interval=60, pause=pauses):
        assert await pauses.asked.get() == 5
        assert done.empty()
        for _ in range(3):
            pauses.over.release()
            assert await done.get() == "work"
            assert await pauses.asked.get() == 60


async def test_a_round_that_fails_is_logged_and_the_next_one_comes(caplog):
    pauses, done = Pauses(), asyncio.Queue()

    async def work():
        done.put_nowait("work")
        raise ValueError("a bug")

    async with rounds("the work", work, first=0, interval=60, pause=pauses):
        for _ in range(2):
            pauses.over.release()
            await done.get()
        await pauses.asked.get()
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert failures[0].getMessage() == "the work failed; it is tried again in 60 s"
    assert "a bug" in failures[0].exc_text or "a bug" in str(failures[0].exc_info[1])


async def test_a_round_under_way_is_cancelled_and_over_when_the_block_is_left():
    begun, ended = asyncio.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    async with rounds("work", work, first=0, interval=1):
        await begun.wait()
    assert ended == [True]


async def test_an_error_of_the_block_leaves_it_as_it_is():
    async def work():
        pass

    with pytest.raises(KeyError):
        async with rounds("work", work, first=60, interval=60):
            raise KeyError
