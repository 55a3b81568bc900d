"""A backend that is away for one step of any operation: the operation says so, or does not need that step.

Never absence, never another error; and the same request again does what it should have done.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

import app.oci.errors
import drivers.errors
from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, BlobUploadUnknown, ManifestUnknown, NameUnknown, PreconditionFailed
from app.oci.mediatype import OCI_IMAGE, OCI_INDEX
from app.oci.reference import Tag
from app.registry.contracts import Precondition, UploadOutOfOrder
from app.registry.digester import Digesters, find_libcrypto
from app.registry.hashing import Hashing
from app.registry.namespace import open_namespace
from app.registry.referrers import fallback_tag
from app.registry.state import open_state
from app.registry.uploads import Uploads
from cache.memory import MemoryCache
from drivers.contract import SupportsCompose, SupportsExtend, SupportsSendfile
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, OTHER, push_blobs, tags_of
from tests.support.faulty import faulty
from tests.support.pushes import descriptor, image, index
from tests.support.uploading import DAY, START

LAYER, CONFIG = b"layer" * 1000, b"{}"
DIGEST, LONG = Digest.of(LAYER), Digest.of(LAYER, Algorithm.SHA512)
FIRST = image(CONFIG, LAYER)
SIGNATURE = image(CONFIG, subject=descriptor(FIRST, OCI_IMAGE))
LATEST, NEXT = Tag.parse("latest"), Tag.parse("next")
ABSENT = Precondition(absent=True)
FRESH = b"fresh" * 1000
DIGESTERS = Digesters(find_libcrypto())


class Store:
    """What an operation is done to: a process, and sessions that others have begun."""

    def __init__(self, namespace, session=None, begun=None):
        self.namespace = namespace
        self.here = namespace.repository(NAME)
        self.there = namespace.repository(OTHER)
        self.session = session
        self.begun = begun


async def process(driver):
    """Start a process that has everything that the driver can do."""
    state = await open_state(
        driver, swap=driver, new_id=lambda: os.urandom(8).hex(), random_bytes=lambda size: b"s" * size
    )
    uploads = Uploads(
        driver,
        hashing=Hashing(DIGESTERS),
        key=b"key",
        boot="boot",
        max_age=DAY,
        now=lambda: START,
        new_id=lambda: os.urandom(8).hex(),
        swap=driver,
        extend=driver if isinstance(driver, SupportsExtend) else None,
        compose=driver if isinstance(driver, SupportsCompose) else None,
        tail_limit=0,
        chunk_limit=0,
    )
    return await open_namespace(
        driver,
        state=state,
        cache=MemoryCache(membership=False),
        swap=driver,
        sendfile=driver if isinstance(driver, SupportsSendfile) else None,
        ingestion=uploads.into,
        look_back=True,
    )


async def patch(repository, session, *chunks):
    async with repository.blobs.resume(session) as writer:
        for chunk in chunks:
            await writer.write(chunk)
        return await writer.park()


async def prepare(driver):
    """Fill a store: an image by all its names, what refers to it, and a session under way."""
    here = (await process(driver)).repository(NAME)
    await push_blobs(here, CONFIG)
    async with here.blobs.create(LONG) as writer:
        await writer.write(LAYER)
        await writer.commit(LONG)
    await here.manifests.put(FIRST, "", digest=Digest.of(FIRST, Algorithm.SHA512), tags=[LATEST])
    await here.manifests.put(SIGNATURE, "")
    old = image(CONFIG, annotations={"old": "client"}, subject=descriptor(LAYER, OCI_IMAGE))
    await here.manifests.put(old, "")
    await here.manifests.put(index(old), OCI_INDEX, tags=[fallback_tag(Digest.of(LAYER))])
    begun = here.blobs.begin()
    session = await patch(here, begun, FRESH[:1000])
    return await patch(here, session, FRESH[1000:3000]), begun


# Operations: each is given a store and returns what a client would see.


async def stat_blob(store):
    return (await store.here.blobs.stat(DIGEST)).size


async def stat_blob_by_alias(store):
    return (await store.here.blobs.stat(LONG)).size


async def read_blob(store):
    return await store.here.blobs.get(DIGEST)


async def stream_blob(store):
    async with (await store.here.blobs.open(LONG)).stream(10, 4000) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def send_blob(store):
    file = (await store.here.blobs.open(DIGEST)).file()
    if file is None:
        return LAYER
    async with file as number:
        return os.pread(number, len(LAYER), 0)


async def put_blob_whole(store):
    async with store.here.blobs.create(Digest.of(FRESH)) as writer:
        await writer.write(FRESH)
        await writer.commit(Digest.of(FRESH))
    return FRESH


async def put_blob_whole_by_sha512(store):
    digest = Digest.of(FRESH, Algorithm.SHA512)
    async with store.here.blobs.create(digest) as writer:
        await writer.write(FRESH)
        await writer.commit(digest)
    return FRESH


async def begin_session(store):
    return (await patch(store.here, store.here.blobs.begin(), FRESH)).offset


async def patch_session(store):
    try:
        return (await patch(store.here, store.session, FRESH[3000:])).offset
    except UploadOutOfOrder as refused:  # by ours, whose answer was lost
        return refused.session.offset


async def close_session(store):
    async with store.here.blobs.resume(store.session, closing=Digest.of(FRESH)) as writer:
        await writer.write(FRESH[3000:])
        await writer.commit(Digest.of(FRESH))
    return FRESH


async def close_session_by_sha512(store):
    digest = Digest.of(FRESH, Algorithm.SHA512)
    async with store.here.blobs.resume(store.session, closing=digest) as writer:
        await writer.write(FRESH[3000:])
        await writer.commit(digest)
    return FRESH


async def ask_status(store):
    return (await store.here.blobs.status(store.session)).offset


async def ask_status_of_old(store):
    return (await store.here.blobs.status(store.begun)).offset


async def come_too_late(store):
    with pytest.raises(UploadOutOfOrder):
        await patch(store.here, store.begun, b"other")


async def mount(store):
    await store.there.blobs.mount(NAME, LONG)
    return LAYER


async def guess_holders(store):
    return [name async for name in store.namespace.holders(DIGEST)]


async def get_by_tag(store):
    return (await store.here.manifests.get(LATEST)).manifest.raw


async def get_by_digest(store):
    return (await store.here.manifests.get(Digest.of(FIRST))).manifest.raw


async def resolve(store):
    return await store.here.manifests.resolve(LATEST)


async def put_manifest(store):
    content = image(CONFIG, LAYER, annotations={"n": "1"}, subject=descriptor(FIRST, OCI_IMAGE))
    await store.here.manifests.put(content, "", digest=Digest.of(content, Algorithm.SHA512), tags=[LATEST, NEXT])
    return content


async def put_again(store):
    await store.here.manifests.put(FIRST, "", tags=[LATEST])
    return FIRST


async def put_index(store):
    content = index(FIRST, SIGNATURE)
    await store.here.manifests.put(content, OCI_INDEX, tags=[NEXT])
    return content


async def list_tags(store):
    return await tags_of(store.here)


async def list_referrers(store):
    return [entry.digest async for entry in store.here.referrers.list(Digest.of(FIRST))]


async def list_referrers_of_older_clients(store):
    return [entry.digest async for entry in store.here.referrers.list(Digest.of(LAYER))]


async def list_catalog(store):
    return [name async for name in store.namespace.catalog()]


async def list_unknown(store):
    with pytest.raises(NameUnknown):
        await tags_of(store.there)


async def put_new_tag_only(store):
    content = image(CONFIG, annotations={"n": "2"})
    await store.here.manifests.put(content, "", tags=[NEXT], precondition=ABSENT)
    return content


async def delete_blob(store):
    await store.here.blobs.delete(DIGEST)


async def delete_manifest(store):
    await store.here.manifests.delete(Digest.of(FIRST))


async def delete_signature(store):
    await store.here.manifests.delete(Digest.of(SIGNATURE))


async def untag(store):
    await store.here.tags.delete(LATEST)


async def untag_if(store):
    await store.here.tags.delete(LATEST, precondition=Precondition(any=True))


async def cancel(store):
    await store.here.blobs.cancel(store.session)


READS = (
    stat_blob, stat_blob_by_alias, read_blob, stream_blob, send_blob, ask_status, ask_status_of_old, guess_holders,
    get_by_tag, get_by_digest, resolve, list_tags, list_referrers, list_referrers_of_older_clients, list_catalog,
    list_unknown,
)  # fmt: skip
WRITES = (
    put_blob_whole, put_blob_whole_by_sha512, begin_session, patch_session, close_session, come_too_late, mount,
    put_manifest, put_again, put_index,
)  # fmt: skip
ONCE = {
    put_new_tag_only: (PreconditionFailed,),
    delete_blob: (BlobUnknown,),
    delete_manifest: (ManifestUnknown,),
    delete_signature: (ManifestUnknown,),
    untag: (ManifestUnknown,),
    untag_if: (ManifestUnknown,),
    cancel: (BlobUploadUnknown,),
    # Nobody hashed the session's beginning by sha512, and once published its bytes are nobody's to read: push anew.
    close_session_by_sha512: (BlobUploadUnknown,),
}
AWAY = (drivers.errors.Unavailable, app.oci.errors.Unavailable)


async def cut_off(operation, store, fault):
    """Run *operation*, but cancel it where the backend hangs; whatever it has opened or begun must be gone."""
    files, tasks = open_files(), asyncio.all_tasks()
    request = asyncio.create_task(operation(store))
    hanging = asyncio.create_task(fault.reached.wait())
    await asyncio.wait((request, hanging), return_when=asyncio.FIRST_COMPLETED)
    hanging.cancel()
    if not request.done():
        request.cancel()
    await asyncio.wait((request, hanging))
    assert open_files() == files, fault.struck
    assert asyncio.all_tasks() == tasks, fault.struck
    return "nothing" if request.cancelled() else request.result()


def open_files():
    return len(os.listdir("/proc/self/fd"))


each_sort = pytest.mark.parametrize("sort", ["memory", "disk"])
each_operation = pytest.mark.parametrize(
    ("operation", "lost"),
    # To lose the answer to a question is as if it had not been asked.
    [(one, False) for one in (*READS, *WRITES, *ONCE)] + [(one, True) for one in (*WRITES, *ONCE)],
    ids=lambda value: value.__name__ if callable(value) else ("after" if value else "before"),
)


@each_sort
@each_operation
async def test_a_request_that_is_cut_off_anywhere_leaves_nothing_open_and_can_be_repeated(
    tmp_path, operation, sort, lost
):
    await strike(tmp_path, operation, sort, lost=lost, hangs=True)


@each_sort
@each_operation
async def test_a_backend_that_is_away_is_never_absence_and_the_same_request_again_heals(
    tmp_path, operation, sort, lost
):
    await strike(tmp_path, operation, sort, lost=lost, hangs=False)


async def strike(tmp_path, operation, sort, *, lost, hangs):
    """Let each step of *operation* fail once, on a store of its own, and do it again; the first time none fails."""
    at, wanted = 0, None
    async with stores(tmp_path, sort) as new_store:
        while True:
            inner, session, begun = await new_store()
            driver, fault = faulty(inner)
            store = Store(await process(driver), session, begun)
            fault.steps, fault.at, fault.lost, fault.hangs = 0, at, lost, hangs
            try:
                seen = await cut_off(operation, store, fault) if hangs else await operation(store)
            except AWAY:
                assert fault.struck
                seen = "nothing"
            if at == 0:
                wanted = seen
            elif not fault.struck:
                break
            assert seen in (wanted, "nothing"), fault.struck
            fault.at = 0
            for again in (store, Store(await process(inner), session, begun)):
                with suppress(*ONCE.get(operation, ())):
                    assert await operation(again) == wanted
            at += 1
    assert at > 1


@asynccontextmanager
async def stores(tmp_path, sort):
    """Hand out a function that returns a driver whose store is filled, and the sessions in it."""
    async with AsyncExitStack() as stack:
        if sort == "memory":

            async def fill():
                driver = MemoryDriver()
                return driver, *await prepare(driver)

            yield fill
            return
        async with FilesystemDriver(tmp_path / "pattern", fsync=False) as driver:
            sessions = await prepare(driver)

        async def copy():
            root = shutil.copytree(tmp_path / "pattern", tmp_path / os.urandom(8).hex())
            return await stack.enter_async_context(FilesystemDriver(root, fsync=False)), *sessions

        yield copy


@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
async def test_a_backend_that_is_away_at_the_start_can_be_started_again(lost):
    for at in range(1, 100):
        inner = MemoryDriver()
        driver, fault = faulty(inner)
        fault.at, fault.lost = at, lost
        try:
            await process(driver)
        except AWAY:
            await process(inner)
        if not fault.struck:
            return
    raise AssertionError("it never starts")
