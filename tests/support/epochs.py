"""Processes that keep up an epoch: on a clock that is moved by hand, with a Redis that is a word."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from app.registry.epoch import Epoch
from app.registry.state import Present
from cache.contract import CacheUnavailable

if TYPE_CHECKING:
    from app.registry.state import Now
    from drivers.contract import SupportsCompareAndSwap


class Time:
    """A clock, and sleep that moves it.

    Attributes:
        now: seconds.
        slept: how long each sleep was.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let them pass at once."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Answering:
    """What answers a process that asks its Redis who it is; an empty *identity*: nobody."""

    def __init__(self, identity: str = "R") -> None:
        self.identity = identity

    async def __call__(self) -> str:
        if not self.identity:
            raise CacheUnavailable
        return self.identity


def epoch_of(driver: SupportsCompareAndSwap | None, time: Time, redis: Answering) -> Epoch:
    """Return the epoch of a process that has not polled yet."""
    return Epoch(
        None if driver is None else Present(driver),
        identify=redis,
        new_id=lambda: str(uuid.uuid4()),
        clock=time,
        sleep=time.sleep,
    )


async def started(driver: SupportsCompareAndSwap, time: Time, redis: Answering) -> Epoch:
    """Return the epoch of a process that has come to trust its Redis."""
    epoch = epoch_of(driver, time, redis)
    await epoch.poll()
    time.now += 2.5
    await epoch.poll()
    return epoch


async def say(driver: SupportsCompareAndSwap, now: Now) -> None:
    """Let ``state/now`` say something else."""
    _, version = await Present(driver).read()
    await Present(driver).replace(now, version)


async def said(driver: SupportsCompareAndSwap) -> Now:
    """Return what ``state/now`` says."""
    return (await Present(driver).read())[0]
