"""No cache: it learns nothing."""

from __future__ import annotations

from cache.contract import MISS
from cache.null import NullCache
from tests.contracts.cache_contract import DIGEST, HERE, LAYER, learn


async def test_it_never_knows_anything():
    cache = NullCache()
    await learn(cache)
    await cache.revoke(HERE, LAYER, DIGEST)
    await cache.forget(DIGEST)
    assert await cache.lookup(HERE, LAYER, DIGEST) == MISS
