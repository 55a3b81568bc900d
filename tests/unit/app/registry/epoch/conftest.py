"""A store whose state trusts a Redis, and who asks that Redis."""

from __future__ import annotations

import os

import pytest

from app.registry.state import Now, open_state
from drivers.memory import MemoryDriver
from tests.support.epochs import Answering, Time, say


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def redis():
    return Answering("R")


@pytest.fixture
async def driver():
    """A store in use, whose state trusts the Redis ``R``."""
    driver = MemoryDriver()
    await open_state(driver, swap=driver, new_id=lambda: "first", random_bytes=os.urandom)
    await say(driver, Now("first", collector=7, active=True, redis="R"))
    return driver
