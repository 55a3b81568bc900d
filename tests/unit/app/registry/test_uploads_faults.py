"""Lost answers, dead requests, broken records and other people's deeds: what was acknowledged is never mixed up."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUploadUnknown, DigestInvalid
from app.registry import layout
from app.registry.contracts import UploadOutOfOrder
from drivers.errors import Unavailable
from tests.support.uploading import NAME, Sort

CONTENT = b"first second third"
DIGEST = Digest.of(CONTENT)
SHA512 = Digest.of(CONTENT, Algorithm.SHA512)

create_only = pytest.mark.parametrize("site", [Sort.OBJECTS, Sort.DISK], indirect=True)
objects = pytest.mark.parametrize("site", [Sort.OBJECTS], indirect=True)
disk = pytest.mark.parametrize("site", [Sort.DISK], indirect=True)


def in_place_of(monkeypatch, site, verb, step):
    """Let *step*, which is given the real verb, answer for the driver from now on."""
    real = getattr(site.driver, verb)
    monkeypatch.setattr(site.driver, verb, lambda *args, **more: step(real, *args, **more))


async def fails(real, *args, **more):
    raise Unavailable("the backend is away")


async def happens_and_fails(real, *args, **more):
    await real(*args, **more)
    raise Unavailable("the answer was lost")


async def happens_twice(real, *args, **more):
    """As a store's client does that tries again when it has heard nothing."""
    await real(*args, **more)
    return await real(*args, **more)


# A PATCH.


@create_only
@pytest.mark.parametrize("create", [happens_and_fails, happens_twice])
@pytest.mark.parametrize("tail_limit", [0, 100])
async def test_a_record_whose_answer_was_lost_is_ones_own(site, monkeypatch, create, tail_limit):
    process = site.process(tail_limit=tail_limit)
    begun = await process.patch(process.blobs.begin(), b"first ")
    with monkeypatch.context() as patch:
        in_place_of(patch, site, "create", create)
        session = await process.patch(begun, b"second third")
    await site.process().close(session, DIGEST)
    assert await site.content(DIGEST) == CONTENT


@create_only
async def test_a_record_that_could_not_be_written_leaves_the_session_where_it_was(site, monkeypatch):
    process = site.process()
    begun = await process.patch(process.blobs.begin(), b"first ")
    with monkeypatch.context() as patch:
        in_place_of(patch, site, "create", fails)
        with pytest.raises(Unavailable, match="away"):
            await process.patch(begun, b"lost")
    session = await site.process().patch(begun, b"second third")
    await site.process().close(session, DIGEST)
    assert await site.content(DIGEST) == CONTENT


@objects
@pytest.mark.parametrize("tail_limit", [0, 100])
async def test_the_same_bytes_sent_twice_are_acknowledged_twice(site, tail_limit):
    begun = site.process().blobs.begin()
    winner = await site.process(tail_limit=100).patch(begun, CONTENT)
    assert await site.process(tail_limit=tail_limit).patch(begun, CONTENT) == winner
    assert [path for path in await site.files() if "/pieces/" in path] == []
    await site.process().close(winner, DIGEST)


@pytest.mark.parametrize(
    ("site", "first"),
    # On a disk a later PATCH can't get that far: it would wait for the lock.
    [(Sort.OBJECTS, b""), (Sort.OBJECTS, b"first "), (Sort.DISK, b"")],
    indirect=["site"],
    ids=["first PATCH on objects", "later PATCH on objects", "first PATCH on disk"],
)
async def test_who_loses_a_race_is_told_the_winner_and_removes_only_his_own_piece(site, monkeypatch, first):
    process = site.process(tail_limit=0)
    begun = process.blobs.begin()
    if first:
        begun = await process.patch(begun, first)
    won = []

    async def too_late(real, path, *args, **more):
        if not won:
            won.append(None)
            won[0] = await site.process(tail_limit=0).patch(begun, b"winner")
        return await real(path, *args, **more)

    with monkeypatch.context() as patch:
        in_place_of(patch, site, "create", too_late)
        with pytest.raises(UploadOutOfOrder) as refused:
            await process.patch(begun, b"loser!")
    assert refused.value.session == won[0]
    content = first + b"winner"
    await site.process().close(won[0], Digest.of(content))
    assert await site.content(Digest.of(content)) == content
    assert await site.files() == []


@create_only
async def test_a_session_cancelled_while_a_patch_runs_is_unknown_to_it(site, monkeypatch):
    process = site.process(tail_limit=0)
    begun = await process.patch(process.blobs.begin(), b"first ")
    cancelled = []

    async def cancel_first(real, path, *args, **more):
        if not cancelled:
            cancelled.append(None)
            await site.process().blobs.cancel(begun)
        return await real(path, *args, **more)

    with monkeypatch.context() as patch:
        in_place_of(patch, site, "create", cancel_first)
        with pytest.raises(BlobUploadUnknown):
            await process.patch(begun, b"second")
    assert [path for path in await site.files() if "/pieces/" in path] == []


@create_only
async def test_a_failed_write_ends_the_request_and_not_the_session(site, monkeypatch):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first ")
    async with process.blobs.resume(session) as writer:
        stage = writer._stage
        monkeypatch.setattr(stage, "write", lambda chunk: fails(None))
        with pytest.raises(Unavailable, match="away"):
            await writer.write(b"x")
        monkeypatch.undo()
        for step in (writer.write(b"x"), writer.park(), writer.commit(DIGEST)):
            with pytest.raises(Unavailable, match="earlier write"):
                await step
    await process.close(session, DIGEST, b"second third")


async def test_a_write_that_was_called_off_ends_the_request_and_not_the_session(site, monkeypatch):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first ")
    async with process.blobs.resume(session) as writer:
        begun = asyncio.Event()

        async def never(chunk):
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(writer._stage, "write", never)
        task = asyncio.create_task(writer.write(bytes(1 << 17)))
        await begun.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        with pytest.raises(Unavailable, match="earlier write"):
            await writer.park()
    await process.close(session, DIGEST, b"second third")


# Records.


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-1],
        lambda content: content[:20],
        lambda content: b"",
        lambda content: bytes([*content[:60], content[60] ^ 1, *content[61:]]),
        lambda content: b"MUR0" + content[4:],
        lambda content: b"\xff" * len(content),
    ],
    ids=["truncated", "cut inside its MAC", "empty", "tampered", "another version", "noise"],
)
async def test_a_broken_record_counts_as_absent(site, spoil):
    session = await site.process().patch(site.process().blobs.begin(), CONTENT)
    path = layout.upload_record(session.id, session.record)
    await site.driver.put(path, spoil(await site.driver.get(path)))
    await unknown_everywhere(site.process(), session)


async def test_a_record_of_another_store_counts_as_absent(site):
    session = await site.process(key=b"other").patch(site.process().blobs.begin(), CONTENT)
    await unknown_everywhere(site.process(), session)


async def test_a_record_moved_to_another_session_counts_as_absent(site):
    process = site.process()
    mine, theirs = process.blobs.begin(), process.blobs.begin()
    session = await process.patch(theirs, CONTENT)
    record = await site.driver.get(layout.upload_record(theirs.id, session.record))
    await site.driver.put(layout.upload_record(mine.id, session.record), record)
    claimed = type(session)(NAME, mine.id, session.started, session.offset, session.record, session.nonce)
    await unknown_everywhere(site.process(), claimed)


@create_only
async def test_a_broken_record_where_the_next_should_be_ends_the_session(site):
    begun = site.process().blobs.begin()
    await site.driver.put(layout.upload_record(begun.id, "0"), b"broken")
    with pytest.raises(BlobUploadUnknown):
        await site.process().patch(begun, CONTENT)


async def unknown_everywhere(process, session):
    for step in (
        process.blobs.status(session),
        process.patch(session, b"x"),
        process.close(session, DIGEST),
        process.close(session, DIGEST, b"x"),
        process.blobs.cancel(session),
    ):
        with pytest.raises(BlobUploadUnknown):
            await step


# A disk.


@disk
async def test_records_from_before_a_reboot_are_absent(site):
    session = await site.process(boot="boot-1").patch(site.process().blobs.begin(), CONTENT)
    await unknown_everywhere(site.process(boot="boot-2"), session)


@pytest.mark.parametrize("site", [Sort.OBJECTS, Sort.PLAIN], indirect=True)
async def test_a_session_on_an_object_store_outlives_a_reboot(site):
    session = await site.process(boot="boot-1").patch(site.process().blobs.begin(), CONTENT)
    await site.process(boot="boot-2").close(session, DIGEST)


@disk
@pytest.mark.parametrize("closing", [False, True])
async def test_what_a_dead_request_left_in_the_file_is_cut_off(site, closing):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first ")
    async with site.driver.extend(piece(session)) as file:
        await file.write(b"left over")
    if closing:
        with pytest.raises(DigestInvalid):
            await process.close(session, Digest.of(b"first left over"))
    else:
        session = await process.patch(session, b"second third")
        await process.close(session, DIGEST)
        assert await site.content(DIGEST) == CONTENT


@disk
async def test_a_file_shorter_than_recorded_is_absent(site):
    process = site.process()
    session = await process.patch(process.blobs.begin(), CONTENT)
    async with site.driver.extend(piece(session)) as file:
        await file.truncate(3)
    for step in (process.patch(session, b"x"), process.close(session, DIGEST), process.close(session, DIGEST, b"x")):
        with pytest.raises(BlobUploadUnknown):
            await step
    assert await site.content(DIGEST) is None


@disk
async def test_who_does_not_get_the_lock_in_time_is_told_where_the_session_stands(site):
    process = site.process(lock_wait=0.0)
    session = await process.patch(process.blobs.begin(), b"first ")
    async with site.driver.extend(piece(session)):
        for step in (
            process.patch(session, b"x"),
            process.close(session, DIGEST),
            process.close(session, DIGEST, b"x"),
        ):
            with pytest.raises(UploadOutOfOrder) as refused:
                await step
            assert refused.value.session == session
    await process.close(session, DIGEST, b"second third")


@disk
async def test_the_lock_is_held_until_the_record_is_there(site, monkeypatch):
    process = site.process()
    session = await process.patch(process.blobs.begin(), b"first ")
    tried = []

    async def look(real, path, *args, **more):
        with pytest.raises(UploadOutOfOrder):
            await site.process(lock_wait=0.0).patch(session, b"x")
        tried.append(path)
        return await real(path, *args, **more)

    with monkeypatch.context() as patch:
        in_place_of(patch, site, "create", look)
        session = await process.patch(session, b"second third")
    assert tried
    await process.close(session, DIGEST)


@disk
async def test_records_on_a_disk_are_not_made_durable(site, monkeypatch):
    durable = []

    async def look(real, path, content, *, durable_=durable, **more):
        durable_.append(more["durable"])
        return await real(path, content, **more)

    in_place_of(monkeypatch, site, "create", look)
    await site.process().patch(site.process().blobs.begin(), CONTENT)
    assert durable == [False]


def piece(session):
    # The file is named after the request that created it, and so is the first record.
    return layout.upload_piece(session.id, session.nonce)


# A commit.


@pytest.mark.parametrize("digest", [DIGEST, SHA512], ids=["sha256", "sha512"])
@pytest.mark.parametrize("tail_limit", [0, 100])
async def test_a_commit_that_died_before_its_link_is_finished_by_the_next(site, monkeypatch, digest, tail_limit):
    process = site.process(tail_limit=tail_limit)
    session = await process.patch(process.blobs.begin(Algorithm.SHA512), CONTENT[:10])
    closing = site.process()
    with monkeypatch.context() as patch:
        patch.setattr(type(closing.blobs), "link", lambda *args: fails(None))
        with pytest.raises(Unavailable):
            await closing.close(session, digest, CONTENT[10:])
    descriptor = await site.process().close(session, digest, CONTENT[10:])
    assert descriptor.digest == DIGEST
    assert await closing.blobs.get(digest) == CONTENT
    assert await site.files() == []


@objects
async def test_a_piece_that_is_gone_is_no_loss_when_the_bytes_are_published(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), CONTENT)
    await site.driver.delete_tree(f"{layout.PIECES}/{session.id}")
    with pytest.raises(BlobUploadUnknown):
        await site.process().close(session, DIGEST)
    await process.at(NAME)._blobs.put(CONTENT)
    await site.process().close(session, DIGEST)
    assert await process.blobs.get(DIGEST) == CONTENT


@objects
async def test_bytes_published_by_somebody_are_not_given_to_who_can_not_show_them(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), b"other")
    await process.at(NAME)._blobs.put(CONTENT)
    await site.driver.delete_tree(f"{layout.PIECES}/{session.id}")
    with pytest.raises(DigestInvalid):
        await site.process().close(session, DIGEST)
    await site.driver.delete_tree(f"{layout.UPLOADS}/{session.id}")
    with pytest.raises(BlobUploadUnknown):
        await site.process().close(session, DIGEST)
    assert not await process.blobs.linked(DIGEST)


@objects
async def test_a_piece_of_another_version_is_not_published(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), CONTENT)
    (path,) = [path for path in await site.files() if "/pieces/" in path]
    await site.driver.put(path, CONTENT.upper())
    with pytest.raises(BlobUploadUnknown):
        await site.process().close(session, DIGEST)
    assert await site.content(DIGEST) is None


@objects
async def test_bytes_that_do_not_all_come_back_are_a_fault_of_the_backend(site):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), CONTENT)
    (path,) = [path for path in await site.files() if "/pieces/" in path]
    await site.driver.put(path, CONTENT[:-1])
    with pytest.raises(Unavailable, match="instead of"):
        await process.close(session, SHA512)
    assert len(await site.files()) == 2


async def test_what_can_not_be_cleared_away_is_no_error(site, monkeypatch):
    process = site.process(tail_limit=0)
    session = await process.patch(process.blobs.begin(), b"first ")
    session = await process.patch(session, b"second ")
    with monkeypatch.context() as patch:
        in_place_of(patch, site, "delete", fails)
        in_place_of(patch, site, "delete_tree", fails)
        await process.close(session, DIGEST, b"third")
    assert await process.blobs.get(DIGEST) == CONTENT


async def test_a_backend_that_is_away_is_not_an_absent_record(site, monkeypatch):
    session = await site.process().patch(site.process().blobs.begin(), CONTENT)
    process = site.process()
    with monkeypatch.context() as patch:
        in_place_of(patch, site, "get", fails)
        for step in (
            process.blobs.status(session),
            process.patch(session, b"x"),
            process.close(session, DIGEST),
            process.blobs.cancel(session),
        ):
            with pytest.raises(Unavailable):
                await step
    await process.close(session, DIGEST)


@create_only
async def test_two_closing_requests_at_once_both_succeed(site):
    session = await site.process(tail_limit=0).patch(site.process().blobs.begin(), CONTENT)
    outcomes = await asyncio.gather(*(site.process().close(session, DIGEST) for _ in range(4)))
    assert {outcome.digest for outcome in outcomes} == {DIGEST}
    assert await site.content(DIGEST) == CONTENT
    assert await site.files() == []


@create_only
async def test_of_two_cancels_at_once_one_finds_the_session_over(site):
    session = await site.process(tail_limit=0).patch(site.process().blobs.begin(), CONTENT)
    outcomes = await asyncio.gather(*(site.process().blobs.cancel(session) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [BlobUploadUnknown]
    assert len(await site.files()) == 1
