"""Digest to descriptor, seen from one repository."""

from __future__ import annotations

import asyncio

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.blobs import GlobalBlobStore
from app.registry.flights import Flights
from app.registry.links import Links
from app.registry.statter import CachedBlobStatter, LinkedBlobStatter
from cache.contract import LinkKind
from cache.memory import MemoryCache
from cache.null import NullCache
from drivers.errors import Unavailable
from drivers.memory import MemoryDriver
from tests.support.counting import counted

HERE = RepositoryName.parse("team/here")
THERE = RepositoryName.parse("team/there")
CONTENT = b"content"
DIGEST = Digest.of(CONTENT)
ALIAS = Digest.of(CONTENT, Algorithm.SHA512)
DESCRIPTOR = Descriptor(OCTET_STREAM, len(CONTENT), DIGEST)
LAYER, MANIFEST = LinkKind.LAYER, LinkKind.MANIFEST


class Gate(MemoryDriver):
    """A backend that answers when the test lets it."""

    def __init__(self):
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.broken = False
        self.waiting = 0
        self.most = 0

    async def _pass(self):
        self.asked.set()
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        if self.broken:
            raise Unavailable("no answer")

    async def get(self, path, /):
        await self._pass()
        return await super().get(path)

    async def stat(self, path, /, *, file=False):
        await self._pass()
        return await super().stat(path, file=file)


class World:
    """A backend, a cache, and the statters of repositories over both."""

    def __init__(self, cache):
        self.gate = Gate()
        self.driver, self.calls = counted(self.gate)
        self.cache = cache
        self.flights = Flights()
        self.blobs = GlobalBlobStore(self.driver)

    def links(self, name=HERE, kind=LAYER):
        return Links(self.driver, layout.layers(name) if kind is LAYER else layout.revisions(name))

    def truth(self, name=HERE, kind=LAYER):
        return LinkedBlobStatter(self.links(name, kind), self.blobs)

    def statter(self, name=HERE, kind=LAYER):
        return CachedBlobStatter(self.cache, self.truth(name, kind), name, kind, self.flights)

    async def link(self, name=HERE, kind=LAYER, asked=DIGEST):
        await self.blobs.put(CONTENT)
        await self.links(name, kind).write(DIGEST, asked)
        self.calls.taken()


@pytest.fixture
def world():
    return World(MemoryCache(membership=True))


@pytest.fixture
def disk_world():
    return World(MemoryCache(membership=False))


# The truth.


async def test_a_link_and_bytes_make_content_visible(world):
    await world.link()
    assert await world.truth().stat(DIGEST) == DESCRIPTOR


async def test_bytes_without_a_link_are_not_visible(world):
    await world.link(THERE)
    with pytest.raises(BlobUnknown):
        await world.truth().stat(DIGEST)


async def test_a_link_without_bytes_is_not_visible(world):
    await world.links().write(DIGEST, DIGEST)
    with pytest.raises(BlobUnknown):
        await world.truth().stat(DIGEST)


async def test_an_alias_leads_to_the_canonical_descriptor(world):
    await world.link(asked=ALIAS)
    assert await world.truth().stat(ALIAS) == DESCRIPTOR


async def test_link_and_bytes_are_asked_for_side_by_side(world):
    await world.link()
    world.gate.open.clear()
    stat = asyncio.create_task(world.truth().stat(DIGEST))
    await world.gate.asked.wait()
    await asyncio.sleep(0)
    assert world.gate.waiting == 2
    world.gate.open.set()
    assert await stat == DESCRIPTOR
    assert sorted(world.calls.taken()) == ["get", "stat"]


async def test_where_the_size_is_known_only_the_link_is_read(world):
    await world.link()
    assert await world.truth().stat(DIGEST, DESCRIPTOR) == DESCRIPTOR
    assert world.calls.taken() == ["get"]


async def test_a_size_that_is_known_of_other_content_is_not_taken(world):
    await world.link(asked=ALIAS)
    other = Descriptor(OCTET_STREAM, 99, Digest.of(b"other"))
    assert await world.truth().stat(ALIAS, other) == DESCRIPTOR


async def test_a_cancelled_stat_leaves_nothing_running(world):
    await world.link()
    world.gate.open.clear()
    for statter in (world.truth(), world.statter()):
        world.gate.asked.clear()
        stat = asyncio.create_task(statter.stat(DIGEST))
        await world.gate.asked.wait()
        await asyncio.sleep(0)
        stat.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stat
        assert world.gate.waiting == 0


async def test_a_failing_backend_is_not_absence(world):
    await world.link()
    world.gate.broken = True
    for statter in (world.truth(), world.statter()):
        with pytest.raises(Unavailable):
            await statter.stat(DIGEST)
    world.gate.broken = False
    assert await world.statter().stat(DIGEST) == DESCRIPTOR


# The cache before it.


async def test_the_second_stat_costs_nothing(world):
    await world.link()
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
    assert sorted(world.calls.taken()) == ["get", "stat"]
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
    assert world.calls.taken() == []


async def test_on_a_disk_the_second_stat_costs_one_link_read(disk_world):
    await disk_world.link()
    await disk_world.statter().stat(DIGEST)
    disk_world.calls.taken()
    assert await disk_world.statter().stat(DIGEST) == DESCRIPTOR
    assert disk_world.calls.taken() == ["get"]


async def test_on_a_disk_a_link_that_another_process_removed_is_missed_at_once(disk_world):
    await disk_world.link()
    await disk_world.statter().stat(DIGEST)
    await disk_world.links().remove(DIGEST)
    with pytest.raises(BlobUnknown):
        await disk_world.statter().stat(DIGEST)


async def test_the_size_may_come_from_another_repository_but_never_the_permission(world):
    await world.link(THERE)
    await world.statter(THERE).stat(DIGEST)
    with pytest.raises(BlobUnknown):
        await world.statter().stat(DIGEST)
    await world.link()
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
    assert world.calls.taken() == ["get"]


async def test_a_layer_is_not_visible_as_a_manifest_nor_a_manifest_as_a_layer(world):
    await world.link(kind=MANIFEST)
    await world.statter(kind=MANIFEST).stat(DIGEST)
    with pytest.raises(BlobUnknown):
        await world.statter(kind=LAYER).stat(DIGEST)
    await world.links(kind=MANIFEST).remove(DIGEST)
    await world.cache.revoke(HERE, MANIFEST, DIGEST)
    await world.link(kind=LAYER)
    await world.statter(kind=LAYER).stat(DIGEST)
    with pytest.raises(BlobUnknown):
        await world.statter(kind=MANIFEST).stat(DIGEST)


async def test_absence_is_not_remembered(world):
    with pytest.raises(BlobUnknown):
        await world.statter().stat(DIGEST)
    await world.link()
    assert await world.statter().stat(DIGEST) == DESCRIPTOR


async def test_an_alias_is_remembered_as_an_alias(world):
    await world.link(asked=ALIAS)
    assert await world.statter().stat(ALIAS) == DESCRIPTOR
    world.calls.taken()
    assert await world.statter().stat(ALIAS) == DESCRIPTOR
    assert world.calls.taken() == []
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
    assert world.calls.taken() == ["get"]


async def test_many_who_ask_at_once_ask_the_backend_once(world):
    await world.link()
    world.gate.open.clear()
    stats = [asyncio.create_task(world.statter().stat(DIGEST)) for _ in range(50)]
    await world.gate.asked.wait()
    world.gate.open.set()
    assert await asyncio.gather(*stats) == [DESCRIPTOR] * 50
    assert sorted(world.calls.taken()) == ["get", "stat"]


async def test_different_repositories_kinds_and_digests_do_not_share_an_answer(world):
    await world.link(asked=ALIAS)
    world.gate.open.clear()
    asked = [(HERE, LAYER, DIGEST), (HERE, LAYER, ALIAS), (HERE, MANIFEST, DIGEST), (THERE, LAYER, DIGEST)]
    stats = [asyncio.create_task(world.statter(name, kind).stat(digest)) for name, kind, digest in asked]
    await world.gate.asked.wait()
    world.gate.open.set()
    outcomes = await asyncio.gather(*stats, return_exceptions=True)
    assert [isinstance(outcome, BlobUnknown) for outcome in outcomes] == [False, False, True, True]


async def test_who_asks_after_a_delete_does_not_get_the_answer_of_a_read_that_began_before(world):
    await world.link()
    early = asyncio.Event()

    class Slow(LinkedBlobStatter):
        async def stat(self, digest, /, known=None):
            descriptor = await super().stat(digest, known)
            early.set()
            await hold.wait()
            return descriptor

    hold = asyncio.Event()
    slow = CachedBlobStatter(world.cache, Slow(world.links(), world.blobs), HERE, LAYER, world.flights)
    before = asyncio.create_task(slow.stat(DIGEST))
    await early.wait()
    await world.links().remove(DIGEST)
    await world.cache.revoke(HERE, LAYER, DIGEST)
    with pytest.raises(BlobUnknown):
        await world.statter().stat(DIGEST)
    hold.set()
    assert await before == DESCRIPTOR  # it began before the delete
    with pytest.raises(BlobUnknown):
        await world.statter().stat(DIGEST)


async def test_without_a_cache_everybody_asks_the_backend():
    world = World(NullCache())
    await world.link()
    for _ in range(2):
        assert await world.statter().stat(DIGEST) == DESCRIPTOR
        assert sorted(world.calls.taken()) == ["get", "stat"]


async def test_a_cache_that_fails_costs_speed_only():
    class Sick(MemoryCache):
        async def lookup(self, *_):
            raise ConnectionError

        async def remember(self, *_):
            raise ConnectionError

    world = World(Sick(membership=True))
    await world.link()
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
    await world.links().remove(DIGEST)
    with pytest.raises(BlobUnknown):
        await world.statter().stat(DIGEST)


async def test_a_cache_that_fails_only_when_it_is_taught_costs_speed_only():
    class Forgetful(MemoryCache):
        async def remember(self, *_):
            raise ConnectionError

    world = World(Forgetful(membership=True))
    await world.link()
    assert await world.statter().stat(DIGEST) == DESCRIPTOR
