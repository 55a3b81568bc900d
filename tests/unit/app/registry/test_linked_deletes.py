"""One repository's view of content: what delete means, also for the cache."""

from __future__ import annotations

import asyncio

import pytest

from app.oci.errors import Unavailable
from app.oci.mediatype import OCTET_STREAM
from app.registry import layout
from cache.contract import CacheUnavailable, LinkKind
from cache.memory import MemoryCache
from cache.null import NullCache
from drivers.errors import Unavailable as BackendUnavailable
from drivers.memory import MemoryDriver
from tests.support.views import ALIAS, CONTENT, DESCRIPTOR, DIGEST, HERE, Heard, Views, unknown


@pytest.fixture
def world():
    return Views(MemoryCache(membership=True))


@pytest.fixture(params=["membership", "sizes", "null"])
def any_world(request):
    return Views(NullCache() if request.param == "null" else MemoryCache(membership=request.param == "membership"))


@pytest.mark.parametrize("digest", [DIGEST, ALIAS])
async def test_a_deleted_blob_is_gone_under_all_its_names_and_its_bytes_stay(any_world, digest):
    await any_world.stores.blobs.put(CONTENT)
    await any_world.here.link(DESCRIPTOR, ALIAS)
    for name in (DIGEST, ALIAS):
        await any_world.here.stat(name)
    await any_world.here.delete(digest)
    for name in (DIGEST, ALIAS):
        await unknown(any_world.here.stat(name))
        assert not await any_world.linked(name)
        await unknown(any_world.here.delete(name))
    assert await any_world.stores.blobs.stat(DIGEST) == DESCRIPTOR


async def test_deleting_what_is_not_there_is_unknown(any_world):
    await unknown(any_world.here.delete(DIGEST))
    await unknown(any_world.here.delete(ALIAS))


async def test_a_blob_that_the_cache_has_forgotten_can_be_deleted(world):
    await world.here.put(CONTENT, OCTET_STREAM)
    await world.cache.revoke(HERE, LinkKind.LAYER, DIGEST)
    await world.cache.forget(DIGEST)
    await world.here.delete(DIGEST)
    assert not await world.linked()


async def test_a_link_that_somebody_else_removed_is_unknown_and_the_cache_is_told_all_the_same(world):
    await world.here.put(CONTENT, OCTET_STREAM)
    await world.memory.delete(layout.link(layout.layers(HERE), DIGEST))
    assert await world.here.stat(DIGEST) == DESCRIPTOR  # he died before he told the cache
    await unknown(world.here.delete(DIGEST))
    await unknown(world.here.stat(DIGEST))


async def test_a_deleted_blob_is_not_revived_by_another_repository(world):
    await world.here.put(CONTENT, OCTET_STREAM)
    await world.here.delete(DIGEST)
    await world.there.put(CONTENT, OCTET_STREAM)
    await world.there.stat(DIGEST)
    await unknown(world.here.stat(DIGEST))


async def test_an_alias_that_was_left_behind_goes_with_the_next_delete_of_the_canonical_digest(world):
    await world.stores.blobs.put(CONTENT)
    await world.here.link(DESCRIPTOR, ALIAS)
    await world.memory.delete(layout.link(layout.layers(HERE), DIGEST))
    await unknown(world.here.delete(DIGEST))
    assert not await world.linked(ALIAS)


@pytest.mark.parametrize("digest", [DIGEST, ALIAS])
async def test_a_delete_that_was_interrupted_can_be_repeated(digest):
    class Failing(MemoryDriver):
        left = 1

        async def delete(self, path, /):
            if self.left == 0:
                raise BackendUnavailable("connection lost")
            self.left -= 1
            await super().delete(path)

    world = Views(MemoryCache(membership=True), driver := Failing())
    await world.stores.blobs.put(CONTENT)
    await world.here.link(DESCRIPTOR, ALIAS)
    for name in (DIGEST, ALIAS):
        await world.here.stat(name)
    with pytest.raises(BackendUnavailable):
        await world.here.delete(digest)
    gone = ALIAS if digest == DIGEST else DIGEST
    await unknown(world.here.stat(gone))
    driver.left = 2
    await world.here.delete(digest)
    await unknown(world.here.stat(digest))


async def test_a_delete_that_is_cancelled_leaves_no_stale_permission_in_the_cache():
    class Hanging(MemoryDriver):
        def __init__(self):
            super().__init__()
            self.deleted = asyncio.Event()

        async def delete(self, path, /):
            await super().delete(path)
            self.deleted.set()
            await asyncio.Event().wait()

    world = Views(MemoryCache(membership=True), driver := Hanging())
    await world.here.put(CONTENT, OCTET_STREAM)
    delete = asyncio.create_task(world.here.delete(DIGEST))
    await driver.deleted.wait()
    delete.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delete
    await unknown(world.here.stat(DIGEST))


@pytest.mark.parametrize("present", [True, False])
async def test_a_delete_that_the_cache_cannot_be_told_of_is_not_acknowledged(present):
    class Deaf(MemoryCache):
        async def revoke(self, *_):
            raise CacheUnavailable

    heard = Heard()
    world = Views(Deaf(membership=True), events=heard)
    if present:
        await world.here.put(CONTENT, OCTET_STREAM)
        heard.clear()
    with pytest.raises(Unavailable):
        await world.here.delete(DIGEST)
    assert not await world.linked()
    assert heard == []
