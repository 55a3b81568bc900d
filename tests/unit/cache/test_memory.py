"""The cache in memory: the contract, and its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.oci.reference import RepositoryName
from cache.memory import MemoryCache
from tests.contracts.cache_contract import (
    DESCRIPTOR,
    DIGEST,
    HERE,
    LAYER,
    OTHER,
    OTHER_DESCRIPTOR,
    CacheContract,
    MembershipContract,
    content,
    learn,
)

if TYPE_CHECKING:
    from cache.contract import BlobDescriptorCache


class TestMemoryCacheWithMembership(CacheContract, MembershipContract):
    @pytest.fixture
    def cache(self) -> BlobDescriptorCache:
        return MemoryCache(membership=True)


class TestMemoryCacheOfSizes(CacheContract):
    @pytest.fixture
    def cache(self) -> BlobDescriptorCache:
        return MemoryCache(membership=False)


async def test_a_cache_of_sizes_never_vouches_for_access():
    cache = MemoryCache(membership=False)
    await learn(cache)
    found = await cache.lookup(HERE, LAYER, DIGEST)
    assert found.anywhere == DESCRIPTOR
    assert found.scoped is None
    assert found.ticket is None


async def test_what_was_used_longest_ago_is_forgotten_first():
    cache = MemoryCache(membership=True, entries=3)
    things = [content(f"content {number}") for number in range(4)]
    for digest, descriptor in things[:3]:
        await learn(cache, digest=digest, descriptor=descriptor)
    await cache.lookup(HERE, LAYER, things[0][0])
    await learn(cache, digest=things[3][0], descriptor=things[3][1])
    hits = [(await cache.lookup(HERE, LAYER, digest)).scoped is not None for digest, _ in things]
    assert hits == [True, False, True, True]


async def test_nothing_grows_beyond_its_bound():
    cache = MemoryCache(membership=True, entries=5)
    for number in range(200):
        digest, descriptor = content(f"content {number}")
        await learn(cache, repository=RepositoryName.parse(f"r{number}"), digest=digest, descriptor=descriptor)
    assert [len(each._entries) for each in (cache._sizes, cache._members, cache._generations)] == [5, 5, 5]


async def test_a_repository_that_was_crowded_out_is_asked_again_and_old_fills_for_it_do_not_land():
    cache = MemoryCache(membership=True, entries=2)
    await learn(cache)
    old = await cache.lookup(HERE, LAYER, OTHER)
    for name in ("a", "b"):
        await cache.lookup(RepositoryName.parse(name), LAYER, DIGEST)
    await cache.remember(HERE, LAYER, OTHER, OTHER_DESCRIPTOR, old)
    assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped is None
    assert (await cache.lookup(HERE, LAYER, OTHER)).scoped is None


async def test_a_membership_expires_and_the_size_does_not():
    now = 100.0
    cache = MemoryCache(membership=True, expiry=10, clock=lambda: now)
    await learn(cache)
    now = 109.9
    assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == DESCRIPTOR
    now = 110.0
    found = await cache.lookup(HERE, LAYER, DIGEST)
    assert found.scoped is None
    assert found.anywhere == DESCRIPTOR


async def test_without_an_expiry_a_membership_stays():
    now = 0.0
    cache = MemoryCache(membership=True, clock=lambda: now)
    await learn(cache)
    now = 1e12
    assert (await cache.lookup(HERE, LAYER, DIGEST)).scoped == DESCRIPTOR
