"""One repository's view of content: what push and mount mean, what each costs, and who hears of it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm
from app.oci.errors import Unsupported
from app.oci.mediatype import OCTET_STREAM
from app.registry import layout
from app.registry.events import Event, EventAction, Subject
from cache.memory import MemoryCache
from cache.null import NullCache
from drivers.errors import Unavailable as BackendUnavailable
from drivers.memory import MemoryDriver
from tests.support.views import ALIAS, CONTENT, DESCRIPTOR, DIGEST, HERE, THERE, Heard, Views, unknown


@pytest.fixture
def world():
    return Views(MemoryCache(membership=True))


@pytest.fixture(params=["membership", "sizes", "null"])
def any_world(request):
    return Views(NullCache() if request.param == "null" else MemoryCache(membership=request.param == "membership"))


# Pushing and reading.


async def test_what_was_put_can_be_read_here_and_nowhere_else(any_world):
    assert await any_world.here.put(CONTENT, "some/type") == Descriptor("some/type", len(CONTENT), DIGEST)
    assert await any_world.here.stat(DIGEST) == DESCRIPTOR
    assert await any_world.here.get(DIGEST) == CONTENT
    blob = await any_world.here.open(DIGEST)
    assert blob.descriptor == DESCRIPTOR
    assert await blob.read() == CONTENT
    for step in (any_world.there.stat(DIGEST), any_world.there.get(DIGEST), any_world.there.open(DIGEST)):
        await unknown(step)


async def test_the_files_are_where_the_go_registry_looks_for_them(world):
    await world.here.put(CONTENT, OCTET_STREAM)
    await world.stores.manifests(HERE).put(CONTENT, OCTET_STREAM)
    files = [file.path async for file in world.memory.walk("/docker")]
    root = "/docker/registry/v2"
    assert files == [
        f"{root}/blobs/sha256/{DIGEST.hex[:2]}/{DIGEST.hex}/data",
        f"{root}/repositories/team/here/_layers/sha256/{DIGEST.hex}/link",
        f"{root}/repositories/team/here/_manifests/revisions/sha256/{DIGEST.hex}/link",
    ]


async def test_content_that_is_linked_under_an_alias_is_visible_under_both_names(any_world):
    await any_world.stores.blobs.put(CONTENT)
    await any_world.here.link(DESCRIPTOR, ALIAS)
    for digest in (ALIAS, DIGEST):
        assert await any_world.here.stat(digest) == DESCRIPTOR
        assert await any_world.here.get(digest) == CONTENT
        assert await any_world.here.linked(digest)


async def test_a_layer_is_no_manifest_and_a_manifest_is_no_layer(any_world):
    await any_world.here.put(CONTENT, OCTET_STREAM)
    await any_world.here.stat(DIGEST)
    manifests = any_world.stores.manifests(HERE)
    await unknown(manifests.stat(DIGEST))
    await unknown(manifests.delete(DIGEST))
    assert await any_world.here.stat(DIGEST) == DESCRIPTOR
    await manifests.put(CONTENT, OCTET_STREAM)
    await manifests.stat(DIGEST)
    await any_world.here.delete(DIGEST)
    await unknown(any_world.here.stat(DIGEST))
    assert await manifests.get(DIGEST) == CONTENT


async def test_the_cache_learns_of_a_push_only_when_the_link_is_written():
    class Refusing(MemoryDriver):
        async def put(self, path, content, /):
            if path.endswith("/link"):
                raise BackendUnavailable("disk full")
            await super().put(path, content)

    world = Views(MemoryCache(membership=True), Refusing())
    with pytest.raises(BackendUnavailable):
        await world.here.put(CONTENT, OCTET_STREAM)
    assert await world.membership() is None
    await unknown(world.here.stat(DIGEST))


async def test_a_push_that_is_overtaken_by_a_delete_does_not_come_back_from_the_cache():
    class Pausing(MemoryDriver):
        def __init__(self):
            super().__init__()
            self.written = asyncio.Event()
            self.go_on = asyncio.Event()
            self.go_on.set()

        async def put(self, path, content, /):
            await super().put(path, content)
            if path.endswith("/link"):
                self.written.set()
                await self.go_on.wait()

    world = Views(MemoryCache(membership=True), driver := Pausing())
    driver.go_on.clear()
    push = asyncio.create_task(world.here.put(CONTENT, OCTET_STREAM))
    await driver.written.wait()
    await world.here.delete(DIGEST)
    driver.go_on.set()
    await push
    await unknown(world.here.stat(DIGEST))


async def test_missing_bytes_are_unknown_and_the_cache_stops_vouching_for_them(world):
    await world.here.put(CONTENT, OCTET_STREAM)
    await world.here.stat(DIGEST)
    await world.memory.delete(layout.blob_data(DIGEST))
    await unknown(world.here.get(DIGEST))
    await unknown(world.here.stat(DIGEST))
    await world.here.put(CONTENT, OCTET_STREAM)
    assert await world.here.get(DIGEST) == CONTENT


# Mounting.


@pytest.mark.parametrize("digest", [DIGEST, ALIAS])
async def test_a_mounted_blob_is_visible_under_the_name_it_was_asked_by(any_world, digest):
    await any_world.stores.blobs.put(CONTENT)
    await any_world.there.link(DESCRIPTOR, ALIAS)
    assert await any_world.here.mount(THERE, digest) == DESCRIPTOR
    assert await any_world.here.get(digest) == CONTENT
    assert await any_world.here.get(DIGEST) == CONTENT


async def test_what_the_source_does_not_see_cannot_be_mounted(any_world):
    await any_world.stores.manifests(THERE).put(CONTENT, OCTET_STREAM)
    await unknown(any_world.here.mount(THERE, DIGEST))
    assert not await any_world.linked()


async def test_a_mount_outlives_its_source(any_world):
    await any_world.there.put(CONTENT, OCTET_STREAM)
    await any_world.here.mount(THERE, DIGEST)
    await any_world.there.delete(DIGEST)
    await unknown(any_world.there.stat(DIGEST))
    assert await any_world.here.get(DIGEST) == CONTENT


async def test_the_cache_knows_of_a_mount_at_once(world):
    await world.there.put(CONTENT, OCTET_STREAM)
    await world.here.mount(THERE, DIGEST)
    assert await world.membership() == DESCRIPTOR


# What it costs.


async def test_what_each_operation_costs_with_an_empty_cache(world):
    await world.stores.blobs.put(CONTENT)
    await world.there.link(DESCRIPTOR, DIGEST)
    await world.here.put(CONTENT, OCTET_STREAM)
    fresh = Views(MemoryCache(membership=True), world.memory)
    await fresh.here.stat(DIGEST)
    assert sorted(fresh.calls.taken()) == ["get", "stat"]
    fresh = Views(MemoryCache(membership=True), world.memory)
    await fresh.here.mount(THERE, DIGEST)
    assert sorted(fresh.calls.taken()) == ["get", "put", "stat"]
    fresh = Views(MemoryCache(membership=True), world.memory)
    await fresh.here.get(DIGEST)
    assert sorted(fresh.calls.taken()) == ["get", "get", "stat"]
    await fresh.here.delete(DIGEST)
    assert fresh.calls.taken() == ["get", "list", "delete"]


async def test_what_each_operation_costs_with_a_warm_cache(world):
    await world.there.put(CONTENT, OCTET_STREAM)
    assert world.calls.taken() == ["put", "put"]
    await world.here.mount(THERE, DIGEST)
    assert world.calls.taken() == ["put"]
    for store in (world.here, world.there):
        await store.stat(DIGEST)
        await store.open(DIGEST)
    assert world.calls.taken() == []
    await world.here.get(DIGEST)
    assert world.calls.taken() == ["get"]


async def test_on_a_disk_a_warm_stat_is_one_link_read():
    world = Views(MemoryCache(membership=False))
    await world.here.put(CONTENT, OCTET_STREAM)
    world.calls.taken()
    await world.here.stat(DIGEST)
    assert world.calls.taken() == ["get"]


# Events.


def event(action, **more):
    return Event(action, Subject.BLOB, HERE, DESCRIPTOR, **more)


async def test_listeners_hear_of_what_happened_once_and_without_another_stat():
    heard = Heard()
    world = Views(MemoryCache(membership=True), events=heard)
    await world.here.put(CONTENT, OCTET_STREAM)
    assert heard == [event(EventAction.PUSH)]
    world.calls.taken()
    world.here.pulled(await world.here.stat(DIGEST))
    assert heard[1:] == [event(EventAction.PULL)]
    assert world.calls.taken() == []
    await world.there.mount(HERE, DIGEST)
    assert heard[2:] == [Event(EventAction.MOUNT, Subject.BLOB, THERE, DESCRIPTOR, source=HERE)]
    await world.here.delete(DIGEST)
    assert [(each.action, each.repository, each.descriptor.digest) for each in heard[3:]] == [
        (EventAction.DELETE, HERE, DIGEST)
    ]


async def test_an_alias_is_told_of_by_its_canonical_digest():
    heard = Heard()
    world = Views(MemoryCache(membership=True), events=heard)
    await world.stores.blobs.put(CONTENT)
    await world.here.link(DESCRIPTOR, ALIAS)
    await world.here.delete(ALIAS)
    assert [each.descriptor.digest for each in heard] == [DIGEST, DIGEST]


async def test_listeners_hear_nothing_of_what_failed():
    heard = Heard()
    world = Views(MemoryCache(membership=True), events=heard)
    await unknown(world.here.delete(DIGEST))
    await unknown(world.here.mount(THERE, DIGEST))
    assert heard == []


async def test_of_manifests_somebody_else_tells():
    heard = Heard()
    world = Views(MemoryCache(membership=True), events=heard)
    manifests = world.stores.manifests(HERE)
    await manifests.put(CONTENT, OCTET_STREAM)
    await manifests.delete(DIGEST)
    assert heard == []


# Sessions.


async def test_uploads_are_handed_to_the_ingestion_with_this_view_to_link_into():
    class Ingestion:
        def __init__(self, name, linker):
            self.name = name
            self.linker = linker

        def begin(self, algorithm=None, /):
            return ("begin", self.name, self.linker, algorithm)

        def create(self, digest, /, **options):
            return nullcontext((digest, options))

        def resume(self, session, /, **options):
            return nullcontext((session, options))

        async def status(self, session, /):
            return ("status", session)

        async def cancel(self, session, /):
            cancelled.append(session)

    cancelled = []
    here = Views(NullCache(), ingestion=Ingestion).here
    assert here.begin(Algorithm.SHA512) == ("begin", HERE, here, Algorithm.SHA512)
    with here.create(DIGEST, size=3) as writer:
        assert writer == (DIGEST, {"size": 3})
    with here.resume("session", offset=5, closing=DIGEST, size=3) as writer:
        assert writer == ("session", {"offset": 5, "closing": DIGEST, "size": 3})
    assert await here.status("session") == ("status", "session")
    await here.cancel("session")
    assert cancelled == ["session"]


async def test_a_view_without_ingestion_takes_small_content_only(world):
    manifests = world.stores.manifests(HERE)
    with pytest.raises(Unsupported):
        manifests.begin()
    with pytest.raises(Unsupported):
        await manifests.status("session")
