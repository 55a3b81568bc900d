"""Sessions and direct writes, as a client sees them, on every sort of store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, BlobUploadUnknown, DigestInvalid
from app.registry.contracts import BlobIngester, UploadOutOfOrder
from tests.support.uploading import DAY, OTHER, Sort

CONTENT = b"first second third"
DIGEST = Digest.of(CONTENT)
SHA512 = Digest.of(CONTENT, Algorithm.SHA512)
LARGE = bytes(range(256)) * 1024  # hashed in a thread


one_winner = pytest.mark.parametrize("site", [Sort.OBJECTS, Sort.DISK], indirect=True)
each_his_own = pytest.mark.parametrize("site", [Sort.PLAIN], indirect=True)


async def test_a_linked_store_with_uploads_is_an_ingester(site):
    ingester: BlobIngester = site.process().blobs
    assert ingester.begin().offset == 0


# Ways in.


@pytest.mark.parametrize("digest", [DIGEST, SHA512], ids=["sha256", "sha512"])
async def test_a_body_with_its_digest_is_published_linked_and_leaves_nothing_else(site, digest):
    process = site.process()
    async with process.blobs.create(digest) as writer:
        await writer.write(CONTENT[:5])
        await writer.write(CONTENT[5:])
        descriptor = await writer.commit(digest)
    assert (descriptor.size, descriptor.digest) == (len(CONTENT), DIGEST)
    assert await process.blobs.get(digest) == CONTENT
    assert await site.files() == []


@pytest.mark.parametrize("digest", [DIGEST, SHA512], ids=["sha256", "sha512"])
async def test_a_body_with_another_digest_is_refused_and_leaves_nothing(site, digest):
    process = site.process()
    async with process.blobs.create(digest) as writer:
        await writer.write(b"other")
        with pytest.raises(DigestInvalid) as refused:
            await writer.commit(digest)
    assert refused.value.detail["digest"] == digest
    assert await site.content(DIGEST) is None
    assert await site.content(Digest.of(b"other")) is None
    assert await site.files() == []


async def test_a_body_is_published_under_no_other_digest_than_the_announced_one(site):
    async with site.process().blobs.create(DIGEST) as writer:
        await writer.write(b"other")
        with pytest.raises(DigestInvalid):
            await writer.commit(Digest.of(b"other"))
    assert await site.content(DIGEST) is None


async def test_a_direct_body_can_not_be_parked(site):
    async with site.process().blobs.create(DIGEST) as writer:
        await writer.write(b"x")
        with pytest.raises(BlobUploadUnknown):
            await writer.park()


@pytest.mark.parametrize("digest", [DIGEST, SHA512], ids=["sha256", "sha512"])
@pytest.mark.parametrize("announced", [None, Algorithm.SHA512], ids=["unannounced", "announced"])
@pytest.mark.parametrize("resumable", [True, False], ids=["resumable", "reread"])
async def test_a_session_is_carried_on_by_any_process(site, digest, announced, resumable):
    session = site.process(resumable=resumable).blobs.begin(announced)
    for chunk in (b"first ", b"second "):
        session = await site.process(resumable=resumable).patch(session, chunk)
    closing = site.process(resumable=resumable)
    descriptor = await closing.close(session, digest, b"third")
    assert descriptor.digest == DIGEST
    assert await site.content(DIGEST) == CONTENT
    assert await closing.blobs.get(digest) == CONTENT
    assert await site.files() == []


@pytest.mark.parametrize("tail_limit", [0, 10, 1 << 24], ids=["pieces", "some pieces", "tails"])
async def test_bytes_in_pieces_and_tails_come_out_in_order(site, tail_limit):
    process = site.process(tail_limit=tail_limit, chunk_limit=tail_limit)
    session = process.blobs.begin()
    for start in range(0, len(CONTENT), 7):
        session = await process.patch(session, CONTENT[start : start + 3], CONTENT[start + 3 : start + 7], offset=start)
    await process.close(session, DIGEST)
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []


async def test_large_chunks_are_hashed_and_stored_right(site):
    process = site.process(tail_limit=len(LARGE))
    session = await process.patch(process.blobs.begin(), LARGE, LARGE[1:])
    session = await process.patch(session, LARGE[2:])
    whole = LARGE + LARGE[1:] + LARGE[2:]
    await site.process().close(session, Digest.of(whole))
    assert await site.content(Digest.of(whole)) == whole


@pytest.mark.parametrize("content", [b"", CONTENT], ids=["empty", "whole body"])
async def test_a_session_that_stored_nothing_can_be_closed_at_once(site, content):
    process = site.process()
    digest = Digest.of(content)
    descriptor = await process.close(process.blobs.begin(), digest, *([content] if content else []))
    assert descriptor.size == len(content)
    assert await process.blobs.get(digest) == content
    assert await site.files() == []


async def test_a_writer_tells_the_size_of_the_whole_blob(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"12345")
    assert session.offset == 5
    async with process.blobs.resume(session) as writer:
        assert writer.size == 5
        await writer.write(b"678")
        assert writer.size == 8
        assert writer.batch_size == 1 << 20


# What stores nothing.


async def test_beginning_asking_and_an_empty_patch_store_nothing(site):
    process = site.process()
    session = process.blobs.begin()
    assert await process.patch(session) is session
    assert await process.blobs.status(session) == session
    assert await site.files() == []


async def test_a_patch_that_adds_nothing_answers_as_the_one_before(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"1")
    before = await site.files()
    assert await process.patch(session) == session
    assert await site.files() == before


async def broken_off(process, session):
    async with process.blobs.resume(session) as writer:
        await writer.write(b"wrong bytes")
        raise ConnectionError


async def test_bytes_that_were_not_parked_are_dropped_and_what_was_acknowledged_stays(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), b"first ")
    with pytest.raises(ConnectionError):
        await broken_off(process, session)
    assert (await process.blobs.status(session)).offset == 6
    await process.close(session, DIGEST, b"second third")
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []


async def test_a_first_patch_that_is_broken_off_leaves_nothing(site):
    process = site.process(tail_limit=0)
    with pytest.raises(ConnectionError):
        await broken_off(process, process.blobs.begin())
    assert await site.files() == []


# Order.


async def test_a_chunk_at_another_offset_is_refused_and_the_session_lives_on(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first ")
    for offset in (0, 5, 7):
        with pytest.raises(UploadOutOfOrder) as refused:
            await process.patch(session, b"x", offset=offset)
        assert refused.value.session == session
    session = await process.patch(session, b"second third", offset=6)
    await process.close(session, DIGEST)


@one_winner
async def test_an_old_location_is_told_where_the_session_stands(site):
    process = site.process()
    old = [process.blobs.begin()]
    for chunk in (b"first ", b"second ", b"third"):
        old.append(await site.process().patch(old[-1], chunk))
    newest = old.pop()
    for session in old:
        with pytest.raises(UploadOutOfOrder) as refused:
            await site.process().patch(session, b"other")
        assert refused.value.session == newest
        assert await site.process().blobs.status(session) == newest
    await process.close(newest, DIGEST)
    assert await site.files() == []


@one_winner
async def test_a_wrong_digest_from_an_old_location_does_not_end_the_session(site):
    process = site.process()
    begun = process.blobs.begin()
    session = await process.patch(begun, CONTENT)
    with pytest.raises(UploadOutOfOrder) as refused:
        await site.process().close(begun, DIGEST)
    assert refused.value.session == session
    await process.close(session, DIGEST)


@each_his_own
async def test_without_create_only_each_of_two_writers_goes_on_with_his_own(site):
    begun = site.process().blobs.begin()
    mine = await site.process().patch(begun, b"first ")
    other = await site.process().patch(begun, b"other ")
    mine = await site.process().patch(mine, b"second third")
    with pytest.raises(DigestInvalid):
        await site.process().close(other, DIGEST)
    # The session has one id, and the digest that was wrong has ended only what its Location named.
    await site.process().close(mine, DIGEST)
    assert await site.content(DIGEST) == CONTENT


# The end.


async def test_a_wrong_digest_ends_the_session_and_leaves_nothing(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), b"first ")
    session = await process.patch(session, b"second")
    with pytest.raises(DigestInvalid):
        await process.close(session, DIGEST)
    assert await site.files() == []
    for again in (process, site.process()):
        for step in (again.blobs.status(session), again.patch(session, b"x"), again.close(session, DIGEST)):
            with pytest.raises(BlobUploadUnknown):
                await step


async def test_a_closing_request_that_is_repeated_is_answered_as_the_first(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first second ")
    first = await process.close(session, DIGEST, b"third")
    assert await process.close(session, DIGEST, b"third") == first
    assert await site.process().close(session, DIGEST, b"third") == first


async def test_a_repeated_closing_request_with_an_alias_is_answered_as_the_first(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(Algorithm.SHA512), CONTENT)
    first = await process.close(session, SHA512)
    assert first.digest == DIGEST
    assert await site.process().close(session, SHA512) == first


async def test_after_the_commit_the_session_is_unknown(site):
    process = site.process()
    begun = process.blobs.begin()
    session = await process.patch(begun, CONTENT)
    await process.close(session, DIGEST)
    with pytest.raises(BlobUploadUnknown):
        await process.blobs.status(begun)
    other = Digest.of(b"other")
    for again in (process, site.process()):
        for step in (
            again.blobs.status(session),
            again.blobs.cancel(session),
            again.patch(session, b"x"),
            again.close(session, other),
        ):
            with pytest.raises(BlobUploadUnknown):
                await step


async def test_a_closing_request_that_comes_too_late_can_not_be_parked(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), CONTENT)
    await process.close(session, DIGEST)
    for chunks in ([], [b"x"]):
        async with site.process().blobs.resume(session, closing=DIGEST) as writer:
            for chunk in chunks:
                await writer.write(chunk)
            with pytest.raises(BlobUploadUnknown):
                await writer.park()
    assert await site.files() == []


async def test_a_cancelled_session_is_unknown_and_its_bytes_are_gone(site):
    process = site.process(tail_limit=0)
    begun = process.blobs.begin()
    first = await process.patch(begun, b"first ")
    second = await process.patch(first, b"second ")
    await process.blobs.cancel(first if site.sort is not Sort.PLAIN else second)
    assert [path for path in await site.files() if "/pieces/" in path] == []
    assert len(await site.files()) == (0 if site.sort is Sort.PLAIN else 1)  # that it is closed
    for again in (process, site.process()):
        for session in (first, second):
            for step in (
                again.blobs.status(session),
                again.patch(session, b"x"),
                again.close(session, DIGEST),
                again.blobs.cancel(session),
            ):
                with pytest.raises(BlobUploadUnknown):
                    await step
    with pytest.raises(BlobUploadUnknown):
        await process.blobs.status(begun)


async def test_cancelling_a_session_that_stored_nothing_stores_nothing(site):
    process = site.process()
    session = process.blobs.begin()
    await process.blobs.cancel(session)
    assert await site.files() == []
    for step in (process.blobs.status(session), process.blobs.cancel(session), process.close(session, DIGEST, CONTENT)):
        with pytest.raises(BlobUploadUnknown):
            await step


async def test_a_session_ends_with_its_age(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), CONTENT)
    site.now += DAY
    assert await process.blobs.status(session) == session
    site.now += DAY / 1000
    for step in (
        process.blobs.status(session),
        process.blobs.cancel(session),
        process.patch(session, b"x"),
        process.close(session, DIGEST),
    ):
        with pytest.raises(BlobUploadUnknown):
            await step


async def test_a_session_of_another_repository_is_unknown(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), CONTENT)
    theirs = replace(session, repository=OTHER)
    for claimed in (session, theirs):
        for step in (process.at(OTHER).status(claimed), process.at(OTHER).cancel(claimed)):
            with pytest.raises(BlobUploadUnknown):
                await step
    for claimed in (session, theirs):
        with pytest.raises(BlobUploadUnknown):
            async with process.at(OTHER).resume(claimed, closing=DIGEST) as writer:
                await writer.commit(DIGEST)
    await process.close(session, DIGEST)
    with pytest.raises(BlobUnknown):
        await process.at(OTHER).stat(DIGEST)


async def test_a_location_with_another_nonce_is_unknown(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), CONTENT)
    for again in (process, site.process()):
        with pytest.raises(BlobUploadUnknown):
            await again.patch(replace(session, nonce="other"), b"x")


@one_winner
@pytest.mark.parametrize("begun", [False, True], ids=["first PATCH", "later PATCH"])
async def test_many_requests_at_once_on_one_session_have_one_winner(site, begun):
    session = site.process().blobs.begin()
    if begun:
        session = await site.process().patch(session, b"first ")
    bodies = [f"body {number}".encode() for number in range(8)]
    outcomes = await asyncio.gather(
        *(site.process(tail_limit=number % 2 * 100).patch(session, body) for number, body in enumerate(bodies)),
        return_exceptions=True,
    )
    winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, UploadOutOfOrder)]
    assert len(winners) == 1
    assert len(losers) == len(bodies) - 1
    assert {loser.session for loser in losers} == set(winners)
    content = (b"first " if begun else b"") + bodies[outcomes.index(winners[0])]
    await site.process().close(winners[0], Digest.of(content))
    assert await site.content(Digest.of(content)) == content
    assert await site.files() == []
