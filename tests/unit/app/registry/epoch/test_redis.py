"""The epoch and the cache in Redis together: two replicas, a real server, and a delete that can't reach it."""

from __future__ import annotations

import os
import time as real

import pytest

from app.registry.epoch import Epoch
from app.registry.state import Present
from cache.breaker import Breaker
from cache.codec import Codec, Keys
from cache.connect import Redis, RedisUnreachable
from cache.contract import CacheUnavailable
from cache.redis import RedisCache
from tests.contracts.cache_contract import DIGEST, HERE, LAYER, learn
from tests.support.epochs import said
from tests.support.redisserver import running_redis


class Replica:
    """A process with a connection, an epoch and a cache of its own."""

    def __init__(self, driver, time, port):
        self.redis = Redis("127.0.0.1", port)
        self.epoch = Epoch(
            Present(driver), identify=self.identify, new_id=lambda: os.urandom(8).hex(), clock=time, sleep=time.sleep
        )
        self.cache = RedisCache(
            self.redis,
            keys=Keys("store"),
            codec=Codec(b"s" * 32),
            trust=self.epoch,
            breaker=Breaker(clock=real.monotonic),
            random_bytes=os.urandom,
            clock=real.monotonic,
            deadline=5.0,
        )

    async def identify(self):
        try:
            _, identity = await self.redis.ask((b"PING",))
        except RedisUnreachable as error:
            raise CacheUnavailable from error
        return identity

    async def knows(self):
        return (await self.cache.lookup(HERE, LAYER, DIGEST)).scoped is not None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def replicas(driver, time, server):
    """Two that trust one Redis and share what one has learnt."""
    pair = [Replica(driver, time, server.port) for _ in range(2)]
    for _ in range(5):
        for replica in pair:
            await replica.epoch.poll()
        time.now += 1
    await learn(pair[0].cache)
    assert [await replica.knows() for replica in pair] == [True, True]
    yield pair
    for replica in pair:
        await replica.redis.aclose()


async def test_nobody_hits_without_a_lease(replicas, time):
    time.now += 2
    assert [await replica.knows() for replica in replicas] == [False, False]
    for replica in replicas:
        await replica.epoch.poll()
    assert [await replica.knows() for replica in replicas] == [True, True]


async def test_a_delete_that_reaches_redis_needs_no_new_epoch(replicas, driver, time):
    before = await said(driver)
    await replicas[0].cache.revoke(HERE, LAYER, DIGEST)
    assert await said(driver) == before
    assert time.slept == []
    assert not await replicas[1].knows()


async def test_a_delete_that_can_not_reach_redis_is_over_when_nobody_believes_it_any_more(replicas, driver, time):
    here, there = replicas
    before = await said(driver)
    cut_off = Replica(driver, time, 1)
    await cut_off.cache.revoke(HERE, LAYER, DIGEST)
    assert (await said(driver)).epoch != before.epoch
    assert not await there.knows()
    for _ in range(5):
        await here.epoch.poll()
        await there.epoch.poll()
        time.now += 0.9
    await there.epoch.poll()
    assert there.epoch.lease().redis is not None
    assert not await there.knows()  # Redis has it still, under an epoch that nobody holds
    await learn(there.cache)
    assert await there.knows()
    await cut_off.redis.aclose()
