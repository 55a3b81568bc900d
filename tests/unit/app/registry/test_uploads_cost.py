"""What an upload costs in calls to the driver: each is a request to an object store."""

from __future__ import annotations

import pytest

from app.oci.digest import Algorithm, Digest
from app.registry import layout
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.counting import counted
from tests.support.uploading import Site, Sort

CONTENT = b"first second third"
DIGEST = Digest.of(CONTENT)
SHA512 = Digest.of(CONTENT, Algorithm.SHA512)


@pytest.fixture
def memory():
    return Site(Sort.OBJECTS, MemoryDriver())


async def test_a_driver_that_extends_files_but_can_not_create_only_is_refused(tmp_path):
    async with FilesystemDriver(tmp_path) as driver:
        with pytest.raises(ValueError, match="neither extend"):
            Site(Sort.PLAIN, driver).process()


async def test_a_body_with_its_digest_costs_the_bytes_and_the_link(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver)
    async with process.blobs.create(DIGEST) as writer:
        await writer.write(CONTENT)
        await writer.commit(DIGEST)
    assert calls.taken() == ["writer", "write", "commit", "put"]


async def test_a_sha512_body_costs_the_bytes_and_both_links(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver)
    async with process.blobs.create(SHA512) as writer:
        await writer.write(CONTENT)
        await writer.commit(SHA512)
    assert calls.taken() == ["compose", "put", "put"]


async def test_post_patch_put_in_one_process_costs_record_bytes_link_and_the_records_removal(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver)
    session = process.blobs.begin()
    session = await process.patch(session, CONTENT)
    assert calls.taken() == ["create"]
    await process.close(session, DIGEST)
    assert calls.taken() == ["compose", "put", "delete"]


async def test_closing_elsewhere_costs_one_read_more(memory):
    session = await memory.process().patch(memory.process().blobs.begin(), CONTENT)
    driver, calls = counted(memory.driver)
    await memory.process(driver=driver).close(session, DIGEST)
    assert calls.taken() == ["get", "compose", "put", "delete"]


async def test_a_piece_costs_its_bytes_and_its_removal(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver, tail_limit=0)
    session = await process.patch(process.blobs.begin(), CONTENT)
    assert calls.taken() == ["writer", "write", "commit", "create"]
    await process.close(session, DIGEST)
    assert calls.taken() == ["compose", "put", "delete_files"]


async def test_many_pieces_and_their_records_are_removed_with_one_call(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver, tail_limit=0)
    session = process.blobs.begin()
    for start in range(0, len(CONTENT), 3):
        session = await process.patch(session, CONTENT[start : start + 3])
    calls.taken()
    await process.close(session, DIGEST)
    assert calls.taken() == ["compose", "put", "delete_files"]
    assert await memory.files() == []


async def test_more_records_than_one_can_name_are_removed_by_the_folder(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver)
    session = process.blobs.begin()
    content = b"x" * 70
    for start in range(70):
        session = await process.patch(session, content[start : start + 1])
    calls.taken()
    await process.close(session, Digest.of(content))
    assert calls.taken() == ["compose", "put", "delete_tree"]
    assert await memory.files() == []


async def test_a_sha512_named_only_at_the_end_is_read_once(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver, tail_limit=0)
    session = await process.patch(process.blobs.begin(), CONTENT)
    calls.taken()
    await process.close(session, SHA512)
    assert calls.taken() == ["reader", "compose", "put", "put", "delete_files"]


async def test_a_sha512_announced_at_the_start_is_not_read(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver, tail_limit=0)
    session = await process.patch(process.blobs.begin(Algorithm.SHA512), CONTENT)
    calls.taken()
    await process.close(session, SHA512)
    assert "reader" not in calls.taken()


async def test_a_status_is_one_look_ahead_and_one_at_the_record(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver)
    begun = process.blobs.begin()
    await process.blobs.status(begun)
    assert calls.taken() == ["get"]
    session = await process.patch(begun, CONTENT)
    calls.taken()
    await process.blobs.status(session)
    assert calls.taken() == ["get", "get"]


async def test_streams_stay_in_the_record_up_to_their_limit_and_chunks_up_to_theirs(memory):
    process = memory.process(tail_limit=10, chunk_limit=4)

    async def pieces(content, offset=None):
        session = await process.patch(process.blobs.begin(), content, offset=offset)
        return len([path for path in await memory.files() if path.startswith(f"{layout.PIECES}/{session.id}")])

    assert await pieces(b"x" * 10) == 0
    assert await pieces(b"x" * 11) == 1
    assert await pieces(b"x" * 4, offset=0) == 0
    assert await pieces(b"x" * 5, offset=0) == 1


async def test_a_piece_begins_with_the_tail_before_it(memory):
    process = memory.process(tail_limit=10)
    session = await process.patch(process.blobs.begin(), b"12345678")
    session = await process.patch(session, b"9abc")
    (path,) = [path for path in await memory.files() if "/pieces/" in path]
    assert await memory.driver.get(path) == b"123456789abc"


async def test_a_process_forgets_old_records_and_reads_them(memory):
    driver, calls = counted(memory.driver)
    process = memory.process(driver=driver, memory=2 * 1024)
    sessions = [await process.patch(process.blobs.begin(), CONTENT) for _ in range(3)]
    calls.taken()
    for session in sessions:
        await process.close(session, DIGEST)
    assert calls.taken().count("get") >= 1
