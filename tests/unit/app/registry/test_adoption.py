"""Sessions that the Go registry began, on every sort of store; the real one is driven in tests/e2e."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUploadUnknown
from app.registry import layout
from app.registry.contracts import UploadOutOfOrder, UploadSession
from drivers.errors import Unavailable
from tests.support.faulty import faulty
from tests.support.uploading import DAY, NAME, OTHER, START, Sort

CONTENT = bytes(range(256)) * 40
SENT = 10_000
DIGEST = Digest.of(CONTENT)
FOLDER = layout.foreign_upload(NAME, "go")
SESSION = UploadSession(NAME, "go", START, offset=SENT, foreign=True)

decisive = pytest.mark.parametrize("site", [Sort.OBJECTS, Sort.DISK], indirect=True)


async def begun(site, content=CONTENT[:SENT]):
    """Leave what the Go registry leaves."""
    await site.driver.put(f"{FOLDER}/startedat", b"2026-01-01T00:00:00Z")
    await site.driver.put(f"{FOLDER}/hashstates/sha256/{len(content)}", b"sha\x03" + bytes(104))
    await site.driver.put(f"{FOLDER}/data", content)


async def foreign(site):
    return [file.path async for file in site.driver.walk(FOLDER)]


@pytest.mark.parametrize("algorithm", Algorithm)
async def test_a_session_goes_on_where_it_was(site, algorithm):
    await begun(site)
    process = site.process()
    session = await process.blobs.status(SESSION)
    assert (session.offset, session.foreign) == (SENT, False)
    session = await process.patch(session, CONTENT[SENT : SENT + 7])
    digest = Digest.of(CONTENT, algorithm)
    assert (await site.process().close(session, digest, CONTENT[SENT + 7 :])).digest == DIGEST
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []
    assert (await foreign(site) == []) is (site.sort is not Sort.PLAIN)


async def test_it_can_be_closed_at_once(site):
    await begun(site)
    await site.process().close(SESSION, DIGEST, CONTENT[SENT:])
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []


async def test_its_bytes_are_read_once(site):
    await begun(site)
    process = site.process()
    session = await process.blobs.status(SESSION)
    await site.driver.put(f"{FOLDER}/data", b"other bytes")
    await process.close(session, DIGEST, CONTENT[SENT:])
    assert await site.content(DIGEST) == CONTENT


async def test_what_is_there_counts_and_not_what_its_client_was_told(site):
    for told in (0, SENT - 1, SENT + 1):
        await begun(site)
        process = site.process()
        with pytest.raises(UploadOutOfOrder) as refused:
            await process.patch(replace(SESSION, offset=told), b"more")
        assert (refused.value.session.offset, refused.value.session.foreign) == (SENT, False)
        session = await process.patch(replace(SESSION, offset=told), CONTENT[SENT:-1], offset=SENT)
        await process.close(session, DIGEST, CONTENT[-1:])


async def test_a_session_without_bytes_begins_here(site):
    for content in (None, b""):
        if content is None:
            await site.driver.put(f"{FOLDER}/startedat", b"2026-01-01T00:00:00Z")
        else:
            await begun(site, content)
        process = site.process()
        session = await process.blobs.status(replace(SESSION, offset=0))
        assert (session.offset, session.foreign, session.record) == (0, False, None)
        await process.close(session, DIGEST, CONTENT)
        assert await site.content(DIGEST) == CONTENT


@decisive
async def test_the_old_location_leads_to_where_it_is_now(site):
    await begun(site)
    first = await site.process().patch(SESSION, CONTENT[SENT : SENT + 5])
    process = site.process()
    assert await process.blobs.status(SESSION) == first
    with pytest.raises(UploadOutOfOrder) as refused:
        await process.patch(SESSION, CONTENT[SENT:])
    assert refused.value.session == first
    await process.close(first, DIGEST, CONTENT[SENT + 5 :])
    assert await site.files() == []


@decisive
async def test_two_adopt_at_once_and_one_record_stays(site):
    await begun(site)
    processes = [site.process(), site.process()]
    found = await asyncio.gather(*(process.blobs.status(SESSION) for process in processes * 3))
    assert len(set(found)) == 1
    await processes[0].close(found[0], DIGEST, CONTENT[SENT:])
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []
    with pytest.raises(BlobUploadUnknown):
        await processes[1].blobs.status(SESSION)


@decisive
async def test_a_closing_request_that_is_repeated_is_answered_as_the_first(site):
    await begun(site)
    await site.process().close(SESSION, DIGEST, CONTENT[SENT:])
    for process in (site.process(), site.process()):
        assert (await process.close(SESSION, DIGEST)).digest == DIGEST
        with pytest.raises(BlobUploadUnknown):
            await process.blobs.status(SESSION)


async def test_what_is_not_there_is_unknown(site):
    process = site.process()
    await site.driver.put(f"{FOLDER}/data", CONTENT)  # when it began nobody has said
    for session in (SESSION, replace(SESSION, id="other")):
        with pytest.raises(BlobUploadUnknown):
            await process.blobs.status(session)
        with pytest.raises(BlobUploadUnknown):
            await process.patch(session, b"more")
        with pytest.raises(BlobUploadUnknown):
            await process.close(session, DIGEST, b"more")
        with pytest.raises(BlobUploadUnknown):
            await process.blobs.cancel(session)
    await begun(site)
    with pytest.raises(BlobUploadUnknown):
        await process.at(OTHER).status(SESSION)
    site.now += 2 * DAY
    with pytest.raises(BlobUploadUnknown):
        await process.blobs.status(SESSION)


@decisive
async def test_a_session_that_is_given_up_is_gone_for_all(site):
    for content in (b"", CONTENT[:SENT]):
        await begun(site, content)
        await site.process().blobs.cancel(SESSION)
        with pytest.raises(BlobUploadUnknown):
            await site.process().blobs.status(SESSION)
        assert await foreign(site) == []


@pytest.mark.parametrize("lost", [False, True], ids=["not done", "done, answer lost"])
async def test_whatever_step_fails_the_upload_can_be_finished(site, lost):
    driver, fault = faulty(site.driver)
    at = 0
    while True:
        at += 1
        await begun(site)
        fault.at, fault.lost, fault.steps, fault.struck = at, lost, 0, ""
        with suppress(Unavailable):
            await site.process(driver=driver).blobs.status(SESSION)
        if not fault.struck:
            break
        fault.at = 0
        await site.process().close(SESSION, DIGEST, CONTENT[SENT:])
        assert await site.content(DIGEST) == CONTENT
        await site.driver.delete(layout.blob_data(DIGEST))
        await site.driver.delete_tree(layout.UPLOADS)  # what is left for the purge
    assert at > 5
