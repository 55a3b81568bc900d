from __future__ import annotations

import asyncio
import threading

import pytest

from drivers.filesystem.threads import FEWEST, Threads


@pytest.fixture
def threads():
    threads = Threads(1, inline=False)
    yield threads
    threads.close()


async def until(event):
    """Wait in a thread of the loop's own, so that the pool under test stays as it is."""
    await asyncio.to_thread(event.wait)


async def test_a_cancelled_caller_waits_for_the_job_that_runs(threads):
    running, go, done = threading.Event(), threading.Event(), []

    def job():
        running.set()
        go.wait()
        done.append(True)
        return "result"

    undone = []
    task = asyncio.create_task(threads.run(job, undo=undone.append))
    await until(running)
    for _ in range(3):  # however often
        task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]
    assert undone == ["result"]


async def test_a_cancelled_caller_takes_back_the_job_that_has_not_started(threads):
    go, ran = threading.Event(), []
    blocked = [asyncio.create_task(threads.run(go.wait)) for _ in range(FEWEST)]
    await asyncio.sleep(0)
    task = asyncio.create_task(threads.run(lambda: ran.append(True)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.gather(*blocked)
    assert ran == []


async def test_a_job_that_cleans_up_runs_though_its_caller_is_cancelled(threads):
    go, ran = threading.Event(), []
    blocked = [asyncio.create_task(threads.run(go.wait)) for _ in range(FEWEST)]
    await asyncio.sleep(0)
    task = asyncio.create_task(threads.settle(lambda: ran.append(True)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.gather(*blocked)
    assert ran == [True]


async def test_the_error_of_a_job_reaches_its_caller_and_needs_no_undoing(threads):
    def job():
        raise KeyError("x")

    undone = []
    with pytest.raises(KeyError):
        await threads.run(job, undo=undone.append)
    with pytest.raises(KeyError):
        await threads.settle(job)
    assert undone == []


async def test_brief_jobs_run_in_the_loop_only_where_that_is_allowed(threads):
    assert await threads.brief(threading.get_ident) != threading.get_ident()
    local = Threads(1, inline=True)
    try:
        assert await local.brief(threading.get_ident) == threading.get_ident()
        assert await local.run(threading.get_ident) != threading.get_ident()
    finally:
        local.close()
