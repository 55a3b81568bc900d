"""Content by canonical digest, and blobs that may be read."""

from __future__ import annotations

import os

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Digest
from app.oci.errors import BlobUnknown
from app.oci.mediatype import OCTET_STREAM
from app.registry import layout
from app.registry.blobs import GlobalBlobStore
from drivers.errors import Unavailable
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.counting import counted

CONTENT = b"some content of a blob"
DIGEST = Digest.of(CONTENT)
PATH = layout.blob_data(DIGEST)
DESCRIPTOR = Descriptor(OCTET_STREAM, len(CONTENT), DIGEST)


@pytest.fixture
def memory():
    return MemoryDriver()


@pytest.fixture
async def disk(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        yield driver


@pytest.fixture(params=["memory", "disk"])
async def driver(request, tmp_path):
    if request.param == "memory":
        yield MemoryDriver()
    else:
        async with FilesystemDriver(tmp_path, fsync=False) as driver:
            yield driver


async def use(blob, way):
    """Read all of *blob* in one of its ways."""
    if way == "read":
        return await blob.read()
    if way == "file":
        async with blob.file() as number:
            return os.pread(number, 1 << 20, 0)
    async with blob.stream(0, blob.descriptor.size) as chunks:
        return b"".join([chunk async for chunk in chunks])


class Forgotten(list):
    async def __call__(self, digest):
        self.append(digest)


async def test_content_is_stored_under_its_digest_as_the_go_registry_does(memory):
    assert await GlobalBlobStore(memory).put(CONTENT) == DESCRIPTOR
    assert await memory.get(f"/docker/registry/v2/blobs/sha256/{DIGEST.hex[:2]}/{DIGEST.hex}/data") == CONTENT


async def test_a_stat_is_the_size_and_no_media_type_of_anybody(memory):
    store = GlobalBlobStore(memory)
    await store.put(CONTENT)
    assert await store.stat(DIGEST) == DESCRIPTOR


async def test_content_of_no_bytes_is_content(memory):
    store = GlobalBlobStore(memory)
    assert await store.stat((await store.put(b"")).digest) == Descriptor(OCTET_STREAM, 0, Digest.of(b""))


async def test_what_is_not_there_is_unknown(memory):
    with pytest.raises(BlobUnknown) as caught:
        await GlobalBlobStore(memory).stat(DIGEST)
    assert caught.value.detail == {"digest": DIGEST}


@pytest.mark.parametrize("digest", [DIGEST, Digest.of(b"")])
async def test_a_folder_where_the_content_should_be_is_no_content(driver, digest):
    await driver.put(f"{layout.blob_data(digest)}/stray", b"x")
    with pytest.raises(BlobUnknown):
        await GlobalBlobStore(driver).stat(digest)


async def test_an_empty_file_under_the_digest_of_other_content_is_no_content_and_a_push_heals_it(memory):
    await memory.put(PATH, b"")
    store = GlobalBlobStore(memory)
    with pytest.raises(BlobUnknown):
        await store.stat(DIGEST)
    await store.put(CONTENT)
    assert await store.stat(DIGEST) == DESCRIPTOR


async def test_an_opened_blob_gives_its_bytes_whole_and_in_part(driver):
    store = GlobalBlobStore(driver)
    blob = store.open(await store.put(CONTENT), Forgotten())
    assert blob.descriptor == DESCRIPTOR
    assert await blob.read() == CONTENT
    for start, stop in [(0, len(CONTENT)), (5, 12), (0, 0), (3, 3), (len(CONTENT) - 1, len(CONTENT))]:
        async with blob.stream(start, stop) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == CONTENT[start:stop]


async def test_a_stream_may_be_left_in_the_middle(disk):
    store = GlobalBlobStore(disk)
    content = os.urandom(5 << 20)
    blob = store.open(await store.put(content), Forgotten())
    async with blob.stream(0, len(content)) as chunks:
        first = await anext(chunks)
    assert content.startswith(first)
    assert 0 < len(first) < len(content)


async def test_a_file_descriptor_is_handed_out_where_the_driver_has_the_power(disk):
    store = GlobalBlobStore(disk, sendfile=disk)
    blob = store.open(await store.put(CONTENT), Forgotten())
    async with blob.file() as number:
        assert os.pread(number, 100, 0) == CONTENT


async def test_there_is_no_file_descriptor_without_that_power(memory):
    assert GlobalBlobStore(memory).open(DESCRIPTOR, Forgotten()).file() is None


WAYS = pytest.mark.parametrize("way", ["read", "stream", "file"])


@WAYS
async def test_whichever_way_it_is_read_it_is_the_same(disk, way):
    store = GlobalBlobStore(disk, sendfile=disk)
    assert await use(store.open(await store.put(CONTENT), Forgotten()), way) == CONTENT


@WAYS
async def test_bytes_that_turn_out_to_be_missing_are_unknown_and_whoever_remembered_them_is_told(disk, way):
    forgotten = Forgotten()
    blob = GlobalBlobStore(disk, sendfile=disk).open(DESCRIPTOR, forgotten)
    with pytest.raises(BlobUnknown) as caught:
        await use(blob, way)
    assert caught.value.detail == {"digest": DIGEST}
    assert forgotten == [DIGEST]


@WAYS
async def test_bytes_that_are_fewer_than_promised_are_never_passed_off_as_the_blob(disk, way):
    await disk.put(PATH, CONTENT[:-3])
    forgotten = Forgotten()
    blob = GlobalBlobStore(disk, sendfile=disk).open(DESCRIPTOR, forgotten)
    with pytest.raises(Unavailable):
        await use(blob, way)
    assert forgotten == [DIGEST]


async def test_an_error_of_whoever_reads_is_not_taken_for_one_of_the_store(disk):
    store = GlobalBlobStore(disk, sendfile=disk)
    blob = store.open(await store.put(CONTENT), Forgotten())
    for block in (blob.stream(0, 5), blob.file()):
        with pytest.raises(ZeroDivisionError):
            async with block:
                raise ZeroDivisionError


async def test_what_each_step_costs(memory):
    driver, calls = counted(memory)
    store = GlobalBlobStore(driver)
    await store.put(CONTENT)
    assert calls.taken() == ["put"]
    await store.stat(DIGEST)
    assert calls.taken() == ["stat"]
    blob = store.open(DESCRIPTOR, Forgotten())
    assert calls.taken() == []
    await blob.read()
    assert calls.taken() == ["get"]
    async with blob.stream(0, 5) as chunks:
        assert [chunk async for chunk in chunks] == [CONTENT[:5]]
    assert calls.taken() == ["reader"]
