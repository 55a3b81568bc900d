"""The cache in Redis, against a real server: the contract, and every way in which Redis can be wrong or away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time

import pytest

from cache.breaker import Breaker
from cache.codec import Codec, Keys
from cache.connect import Redis
from cache.contract import MISS, CacheUnavailable, Lease
from cache.redis import RedisCache
from tests.contracts.cache_contract import (
    DESCRIPTOR,
    DIGEST,
    HERE,
    LAYER,
    MANIFEST,
    OTHER,
    OTHER_DESCRIPTOR,
    THERE,
    CacheContract,
    MembershipContract,
    learn,
)
from tests.support.redisserver import running_redis

KEYS = Keys("store")
M, G, D = KEYS.member(HERE, LAYER, DIGEST), KEYS.generation(HERE), KEYS.size(DIGEST)


class Trusting:
    """Trusts one Redis, and counts how often what Redis holds was given up."""

    def __init__(self, identity, epoch="epoch"):
        self.held = Lease(epoch, identity)
        self.abandoned = 0

    def lease(self):
        return self.held

    async def abandon(self):
        self.abandoned += 1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def redis(server):
    server.call("FLUSHALL")
    redis = Redis("127.0.0.1", server.port)
    yield redis
    await redis.aclose()


@pytest.fixture
async def trust(redis):
    _, identity = await redis.ask((b"PING",))
    return Trusting(identity)


def over(redis, trust, *, secret=b"s" * 32, keys=KEYS, deadline=5.0, clock=time.monotonic, **breaker):
    # A busy machine may take its time: only tests of the deadline have a short one.
    return RedisCache(
        redis,
        keys=keys,
        codec=Codec(secret),
        trust=trust,
        breaker=Breaker(clock=time.monotonic, **breaker),
        random_bytes=os.urandom,
        clock=clock,
        deadline=deadline,
    )


@pytest.fixture
def cache(redis, trust):
    return over(redis, trust)


async def knows(cache, repository=HERE, kind=LAYER, digest=DIGEST):
    return (await cache.lookup(repository, kind, digest)).scoped is not None


def waiting(listener):
    """How many connections nobody has accepted yet; closes them."""
    listener.settimeout(0)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


class Between:
    """Stands before the real server, hears what is asked, and from a question on passes nothing any more.

    Attributes:
        connections: that were opened.
        heard: the questions, in order.
        silent_at: the question that is swallowed, and everything after it.
        hears: called for each question before it is passed on.
    """

    WORDS = (
        (b"EVAL", "fill"),
        (b"MGET", "lookup"),
        (b"NX", "begin"),
        (b"\r\nSET\r\n", "fill"),
    )  # in the order in which they tell

    def __init__(self, port, silent_at="", hears=lambda _: None):
        self.connections = 0
        self.heard = []
        self.silent_at = silent_at
        self.hears = hears
        self._port = port
        self._silent = False

    @contextlib.asynccontextmanager
    async def serving(self):
        """Run inside the block, which is given a client."""
        async with contextlib.AsyncExitStack() as stack:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            stack.callback(server.close)
            redis = Redis("127.0.0.1", server.sockets[0].getsockname()[1])
            stack.push_async_callback(redis.aclose)
            yield redis

    async def _serve(self, reader, writer):
        self.connections += 1
        upstream, onward = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._pass(upstream, writer))
        try:
            while data := await reader.read(65536):
                question = next((name for word, name in self.WORDS if word in data), "")
                if question:
                    self.heard.append(question)
                    self.hears(question)
                    self._silent = self._silent or question == self.silent_at
                if not self._silent:
                    onward.write(data)
        finally:
            onward.close()
            await back
            writer.close()

    @staticmethod
    async def _pass(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class TestRedisCache(CacheContract, MembershipContract):
    @pytest.fixture
    def cache(self, redis, trust):
        return over(redis, trust)


async def test_a_warm_hit_is_one_command(cache, redis, server):
    await learn(cache)
    server.call("CONFIG", "RESETSTAT")
    assert await knows(cache)
    (stats,), _ = await redis.ask((b"INFO", b"commandstats"))
    counts = [line for line in stats.decode().splitlines() if line.startswith("cmdstat_") and "config" not in line]
    assert [line.split(",")[0] for line in counts] == ["cmdstat_mget:calls=1"]


async def test_two_replicas_share_what_they_learn_and_what_is_revoked(cache, redis, trust):
    other = over(redis, trust)
    await learn(cache)
    assert await knows(other)
    await other.revoke(HERE, LAYER, DIGEST)
    assert not await knows(cache)


async def test_a_flush_while_a_fill_is_on_its_way_makes_it_land_nowhere(cache, server):
    before = await cache.lookup(HERE, LAYER, DIGEST)
    server.call("FLUSHALL")
    await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, before)
    assert not await knows(cache)


async def test_an_evicted_generation_is_no_access_and_comes_back_another(cache, redis):
    await learn(cache)
    (before,), _ = await redis.ask((b"GET", G))
    await redis.ask((b"DEL", G))
    assert not await knows(cache)
    (after,), _ = await redis.ask((b"GET", G))
    assert after not in {None, before}


async def test_everything_expires(cache, redis):
    await learn(cache)
    answers, _ = await redis.ask((b"TTL", M), (b"TTL", G), (b"TTL", D))
    assert all(0 < seconds <= 86_400 for seconds in answers)


async def test_another_epoch_is_a_miss_and_a_fill_of_the_old_one_stays_one(cache, trust):
    before = await cache.lookup(HERE, LAYER, DIGEST)
    trust.held = Lease("another", trust.held.redis)
    await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, before)
    assert not await knows(cache)


@pytest.mark.parametrize("held", [None, Lease("epoch", None), Lease("epoch", "another")])
async def test_without_a_lease_on_this_redis_nothing_is_believed_or_filled(cache, trust, held):
    await learn(cache)
    trusting, trust.held = trust.held, held
    found = await cache.lookup(HERE, LAYER, DIGEST)
    assert (found.scoped, found.ticket) == (None, None)
    await learn(cache, digest=OTHER, descriptor=OTHER_DESCRIPTOR)
    trust.held = trusting
    assert not await knows(cache, digest=OTHER)


@pytest.mark.parametrize("held", [None, Lease("epoch", None), Lease("epoch", "another")])
async def test_a_revocation_in_a_redis_that_is_not_trusted_gives_up_what_redis_holds(cache, trust, held):
    trust.held = held
    await cache.revoke(HERE, LAYER, DIGEST)
    assert trust.abandoned == 1


async def test_a_revocation_in_the_trusted_redis_gives_up_nothing_else(cache, trust):
    await cache.revoke(HERE, LAYER, DIGEST)
    assert trust.abandoned == 0


@pytest.mark.parametrize("key", [M, G, D])
@pytest.mark.parametrize("value", [b"", b"OK", b"\x01" * 70, b"\xff" * 2000])
async def test_a_foreign_value_under_any_key_is_a_miss_and_heals(cache, redis, key, value):
    await learn(cache)
    await redis.ask((b"SET", key, value))
    assert not await knows(cache)
    await learn(cache)
    assert await knows(cache)


async def test_a_value_of_another_type_is_a_miss(cache, redis):
    await learn(cache)
    await redis.ask((b"DEL", M), (b"RPUSH", M, b"x"))
    assert not await knows(cache)


async def test_memberships_swapped_between_repositories_and_kinds_are_misses(cache, redis):
    await learn(cache)
    await cache.lookup(THERE, LAYER, DIGEST)
    for repository, kind in ((THERE, LAYER), (HERE, MANIFEST)):
        await redis.ask((b"COPY", M, KEYS.member(repository, kind, DIGEST), b"REPLACE"))
        if repository != HERE:
            await redis.ask((b"COPY", G, KEYS.generation(repository), b"REPLACE"))
        assert not await knows(cache, repository, kind)


async def test_a_size_swapped_with_another_digests_is_unknown(cache, redis):
    await learn(cache)
    await redis.ask((b"COPY", D, KEYS.size(OTHER)))
    assert (await cache.lookup(HERE, LAYER, OTHER)).anywhere is None


async def test_two_stores_on_one_redis_never_meet(cache, redis, trust):
    await learn(cache)
    for other in (over(redis, trust, keys=Keys("other")), over(redis, trust, secret=b"t" * 32)):
        found = await other.lookup(HERE, LAYER, DIGEST)
        assert (found.scoped, found.anywhere) == (None, None)


async def test_a_redis_that_is_killed_is_a_miss_and_a_revocation_gives_up_what_it_held(tmp_path):
    with running_redis(tmp_path) as doomed:
        redis = Redis("127.0.0.1", doomed.port)
        _, identity = await redis.ask((b"PING",))
        trust = Trusting(identity)
        cache = over(redis, trust)
        await learn(cache)
        doomed.process.kill()
        doomed.process.wait()
        assert await cache.lookup(HERE, LAYER, DIGEST) == MISS
        await learn(cache)
        await cache.forget(DIGEST)
        await cache.revoke(HERE, LAYER, DIGEST)
        assert trust.abandoned == 1
        await redis.aclose()


async def test_who_is_killed_comes_back_as_another(tmp_path):
    identities = []
    for _ in range(2):
        with running_redis(tmp_path) as server:
            redis = Redis("127.0.0.1", server.port)
            identities.append((await redis.ask((b"PING",)))[1])
            await redis.aclose()
    assert all(identities)
    assert identities[0] != identities[1]


async def test_a_revocation_that_can_not_be_made_certain_says_so(trust):
    class Failing(Trusting):
        async def abandon(self):
            raise CacheUnavailable

    redis = Redis("127.0.0.1", 1)
    with pytest.raises(CacheUnavailable):
        await over(redis, Failing("any")).revoke(HERE, LAYER, DIGEST)
    await redis.aclose()


async def test_a_silent_server_is_given_up_at_the_deadline_and_then_left_alone(trust):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        redis = Redis("127.0.0.1", silent.getsockname()[1])
        cache = over(redis, trust, deadline=0.02, failures=2, rest=1000, longest=1000)
        for _ in range(5):
            assert await cache.lookup(HERE, LAYER, DIGEST) == MISS
        assert waiting(silent) == 2
        await redis.aclose()


async def test_a_black_hole_is_waited_for_once_in_a_request(server, redis, trust):
    del redis  # it has emptied the server
    between = Between(server.port, silent_at="lookup")
    async with between.serving() as client:
        cache = over(client, trust, deadline=0.05)
        for requests in (1, 2, 3):
            found = await cache.lookup(HERE, LAYER, DIGEST)
            assert found == MISS
            await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, found)
            assert between.connections <= requests
        assert between.connections


async def test_a_redis_that_falls_silent_half_way_is_not_asked_for_the_rest_of_the_request(server, redis, trust):
    del redis
    between = Between(server.port, silent_at="begin")
    async with between.serving() as client:
        cache = over(client, trust, deadline=1.0)
        found = await cache.lookup(HERE, LAYER, DIGEST)
        assert found == MISS
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, found)
    assert (between.heard, between.connections) == (["lookup", "begin"], 1)


@pytest.mark.parametrize(
    ("slow", "asked"), [("lookup", ["lookup"]), ("begin", ["lookup", "begin"]), ("", ["lookup", "begin", "fill"])]
)
async def test_all_steps_of_a_request_have_one_deadline_together(server, redis, trust, slow, asked):
    del redis
    clock = Clock()

    def hears(question):
        clock.now += 5 if question == slow else 1

    between = Between(server.port, hears=hears)
    async with between.serving() as client:
        cache = over(client, trust, clock=clock, deadline=5.0, failures=1)
        found = await cache.lookup(HERE, LAYER, DIGEST)
        clock.now += 1000  # the backend takes what it takes
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, found)
        assert between.heard == asked
        await cache.lookup(HERE, LAYER, DIGEST)  # the next has its own; who is not asked has not failed
        assert between.heard[len(asked)] == "lookup"


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_lookup_that_took_all_the_time_is_followed_by_no_fill(server, redis, trust, trusted):
    await learn(over(redis, trust))
    trust.held = trust.held if trusted else None
    clock = Clock()

    def hears(_):
        clock.now += 5

    between = Between(server.port, hears=hears)
    async with between.serving() as client:
        cache = over(client, trust, clock=clock, deadline=5.0)
        found = await cache.lookup(HERE, LAYER, DIGEST)
        assert found.anywhere == DESCRIPTOR
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, found)
    assert between.heard == ["lookup"]


async def test_steps_that_share_out_the_deadline_end_with_it(server, redis, trust):
    del redis
    clock = Clock()

    def hears(_):
        clock.now += 2.5

    between = Between(server.port, hears=hears)
    async with between.serving() as client:
        cache = over(client, trust, clock=clock, deadline=5.0)
        found = await cache.lookup(HERE, LAYER, DIGEST)
        await cache.remember(HERE, LAYER, DIGEST, DESCRIPTOR, found)
    assert between.heard == ["lookup", "begin"]


async def test_who_was_cancelled_leaves_his_answer_to_nobody(cache):
    await learn(cache)
    await learn(cache, digest=OTHER, descriptor=OTHER_DESCRIPTOR)
    for turns in range(12):
        task = asyncio.ensure_future(cache.lookup(HERE, LAYER, OTHER))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == DESCRIPTOR
