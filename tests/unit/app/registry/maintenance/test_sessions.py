"""Our own sessions: who is too old goes, who is not stays whole, whatever happens meanwhile."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.oci.digest import Digest
from app.oci.errors import BlobUploadUnknown, RegistryError
from app.registry import layout
from drivers.wrapped import Meter, wrap
from tests.support.aging import GRACE, LONG_AGO, Aging
from tests.support.uploading import DAY, NAME, Sort

SMALL_TAILS = {"tail_limit": 4, "chunk_limit": 4}  # so that most of what comes goes into pieces
FIRST, SECOND, THIRD = b"the first bytes ", b"the second bytes ", b"the third"


class Between:
    """Lets something happen before the *at*-th step of a driver."""

    def __init__(self, at, happens):
        self.at = at
        self.happens = happens
        self.steps = 0

    @asynccontextmanager
    async def step(self, verb, *, first):
        self.steps += 1
        if self.steps == self.at:
            await self.happens()
        yield Meter()


class Killed(BaseException):
    """The process is gone."""


async def begun(aging, *bodies):
    """A session with these bodies, each by a PATCH of its own."""
    process = aging.site.process(**SMALL_TAILS)
    session = process.blobs.begin()
    for body in bodies:
        session = await process.patch(session, body, offset=session.offset)
    return session


async def is_unknown(aging, session):
    """Whether no request on the session finds it, in a process that remembers nothing."""
    process = aging.site.process(**SMALL_TAILS)
    for call in (process.blobs.status(session), process.patch(session, b"more"), process.blobs.cancel(session)):
        with pytest.raises(BlobUploadUnknown):
            await call
    with pytest.raises(BlobUploadUnknown):
        await process.close(session, Digest.of(FIRST + SECOND))
    return True


async def pieces(aging):
    return [path for path in await aging.site.files() if path.startswith(layout.PIECES)]


async def test_a_session_that_got_nothing_for_longer_than_the_age_is_gone(aging):
    session = await begun(aging, FIRST, SECOND)
    before = await aging.site.files()
    size = sum([(await aging.site.driver.stat(path)).size for path in before])
    aging.pass_by(LONG_AGO)
    report = await aging.run()
    assert (report.sessions, report.files, report.bytes, report.skipped) == (1, len(before), size, ())
    assert await pieces(aging) == []
    aging.site.now -= LONG_AGO  # a replica whose clock is slow still believes in it
    assert await is_unknown(aging, session)


async def test_what_says_that_a_session_was_closed_goes_when_it_is_old_itself(aging):
    await begun(aging, FIRST, SECOND)
    aging.pass_by(LONG_AGO)
    await aging.run()
    left = await aging.site.files()
    report = await aging.run()
    assert (report.sessions, report.files) == (0, 0)
    assert await aging.site.files() == left
    aging.pass_by(LONG_AGO)
    report = await aging.run()
    assert (report.sessions, report.files) == (0, len(left))
    assert await aging.tree() == {}


async def test_a_session_is_left_alone_while_a_request_of_its_last_minute_may_run(aging):
    session = await begun(aging, FIRST)
    tree = await aging.tree()
    aging.pass_by(DAY + GRACE - timedelta(minutes=1))
    assert (await aging.run()).sessions == 0
    assert await aging.tree() == tree
    aging.site.now -= DAY
    process = aging.site.process(**SMALL_TAILS)
    assert (await process.close(session, Digest.of(FIRST))).size == len(FIRST)


async def test_the_age_counts_from_the_last_bytes_and_not_from_the_start(aging):
    session = await begun(aging, FIRST)
    aging.pass_by(timedelta(hours=20))
    process = aging.site.process(**SMALL_TAILS)
    session = await process.patch(session, SECOND)
    aging.pass_by(timedelta(hours=20))
    assert (await aging.run()).sessions == 0
    aging.site.now -= timedelta(hours=40)
    await process.close(session, Digest.of(FIRST + SECOND))
    assert await aging.site.content(Digest.of(FIRST + SECOND)) == FIRST + SECOND


async def test_a_piece_that_no_record_names_goes_and_its_session_cant_begin_any_more(aging):
    session = aging.site.process().blobs.begin()
    await aging.site.driver.put(layout.upload_piece(session.id, "lost"), b"left by a crash")
    aging.pass_by(LONG_AGO)
    report = await aging.run()
    assert (report.sessions, report.files, report.bytes) == (1, 1, 15)
    assert await pieces(aging) == []
    aging.site.now -= LONG_AGO
    if aging.site.sort is not Sort.PLAIN:
        with pytest.raises(BlobUploadUnknown):
            await aging.site.process().patch(session, b"more")


async def test_a_record_that_cant_be_read_goes_by_its_age(aging):
    await begun(aging, FIRST)
    (record,) = [path for path in await aging.site.files() if path.startswith(layout.UPLOADS)]
    await aging.site.driver.put(record, b"no record")
    aging.pass_by(LONG_AGO)
    assert (await aging.run()).sessions == 1
    aging.pass_by(LONG_AGO)
    await aging.run()
    assert await aging.tree() == {}


async def test_a_cancelled_session_leaves_nothing_in_the_end(aging):
    session = await begun(aging, FIRST, SECOND)
    await aging.site.process(**SMALL_TAILS).blobs.cancel(session)
    assert (await aging.run()).files == 0
    aging.pass_by(LONG_AGO)
    assert (await aging.run()).sessions == 0
    assert await aging.tree() == {}


async def test_many_purges_at_once_do_not_disturb_each_other(aging):
    for _ in range(20):
        await begun(aging, FIRST, SECOND)
    aging.pass_by(LONG_AGO)
    young = await begun(aging, FIRST)
    reports = await asyncio.gather(*(aging.run() for _ in range(4)))
    assert sum(report.sessions for report in reports) >= 20
    assert [report.skipped for report in reports] == [()] * 4
    assert {path.split("/")[-2] for path in await pieces(aging)} == {young.id}
    await aging.site.process(**SMALL_TAILS).close(young, Digest.of(FIRST))
    assert await aging.site.content(Digest.of(FIRST)) == FIRST


# Without create-only writes nothing can be closed: there the age alone protects a session.
closable = pytest.mark.parametrize(
    "aging", [Sort.OBJECTS, Sort.DISK], indirect=True, ids=lambda sort: getattr(sort, "name", "").lower()
)


async def fresh(aging, *bodies):
    """The same sort of store, empty, with a session that is old by the store's clock and not yet by its users'."""
    if aging.root is None:
        aging = Aging.in_memory(aging.site.sort)
    session = await begun(aging, *(bodies or (FIRST, SECOND)))
    aging.pass_by(LONG_AGO)
    aging.site.now -= LONG_AGO
    return aging, session


@closable
@pytest.mark.parametrize("older", [False, True], ids=["from the newest record", "from an older one"])
async def test_a_patch_at_any_step_of_the_purge_finds_its_session_whole_or_unknown(aging, older):
    whole = unknown = 0
    for at in range(1, 1000):
        aging, session = await fresh(aging)
        held = session
        if older:  # its record, the first one, as a client that lost an answer holds it
            process = aging.site.process(**SMALL_TAILS)
            held = process.blobs.begin()
            held = await process.patch(held, FIRST)
            await process.patch(held, SECOND)
            aging.pass_by(LONG_AGO)
            aging.site.now -= LONG_AGO
        process = aging.site.process(**SMALL_TAILS)
        told = []

        async def patch(process=process, held=held, told=told):
            try:
                told.append(await process.patch(held, THIRD))
            except RegistryError as refused:  # out of order, or unknown
                told.append(refused)

        between = Between(at, patch)
        await aging.purge(wrap(aging.site.driver, between)).run(DAY)
        if between.steps < at:
            break
        answer = told[0]
        if isinstance(answer, RegistryError):
            unknown += 1
            continue
        content = (FIRST if older else FIRST + SECOND) + THIRD
        process = aging.site.process(**SMALL_TAILS)
        try:
            await process.blobs.status(answer)
        except BlobUploadUnknown:
            unknown += 1
            with pytest.raises(BlobUploadUnknown):
                await process.close(answer, Digest.of(content))
        else:
            whole += 1
            await process.close(answer, Digest.of(content))
            assert await aging.site.content(Digest.of(content)) == content
    assert unknown > 0
    assert whole > 0 or older


async def write_and_park(writer):
    await writer.write(THIRD)
    await writer.park()


@closable
async def test_a_patch_that_is_under_way_when_its_session_is_purged_is_told_so(aging):
    aging, session = await fresh(aging)
    process = aging.site.process(**SMALL_TAILS)
    async with process.blobs.resume(session, offset=session.offset) as writer:
        await process.blobs.status(session)
        report = await aging.run()
        assert report.sessions == 1
        with pytest.raises(BlobUploadUnknown):
            await write_and_park(writer)
    assert await pieces(aging) == []


async def test_a_closing_request_that_is_under_way_publishes_its_bytes_or_nothing(aging):
    outcomes = set()
    for at in range(1, 1000):
        content = FIRST + b"and number %d" % at
        digest = Digest.of(content)
        aging, session = await fresh(aging, FIRST, content[len(FIRST) :])
        process = aging.site.process(**SMALL_TAILS)
        done = []

        async def close(process=process, session=session, digest=digest, done=done):
            try:
                done.append(await process.close(session, digest))
            except BlobUploadUnknown as unknown:
                done.append(unknown)

        between = Between(at, close)
        await aging.purge(wrap(aging.site.driver, between)).run(DAY)
        if between.steps < at:
            break
        if isinstance(done[0], BlobUploadUnknown):
            assert await aging.site.content(digest) is None
        else:
            assert await aging.site.content(digest) == content
            assert (await process.blobs.stat(digest)).size == len(content)
        outcomes.add(type(done[0]))
    assert len(outcomes) == 2


async def test_a_purge_that_dies_at_any_step_is_finished_by_the_next(aging):
    for at in range(1, 1000):
        aging, session = await fresh(aging)

        async def die():
            raise Killed

        between = Between(at, die)
        try:
            await aging.purge(wrap(aging.site.driver, between)).run(DAY)
        except Killed:
            pass
        else:
            break
        await aging.run()
        assert [path for path in await pieces(aging) if session.id in path] == []
        assert await is_unknown(aging, session)
        aging.pass_by(LONG_AGO)
        await aging.run()
        aging.pass_by(LONG_AGO)
        await aging.run()
        assert await aging.site.files() == []
    assert at > 5


async def test_a_session_of_another_repository_is_not_touched_by_the_end_of_one(aging):
    old = await begun(aging, FIRST)
    aging.pass_by(LONG_AGO)
    young = await begun(aging, SECOND)
    await aging.run()
    assert await is_unknown(aging, old)
    await aging.site.process(**SMALL_TAILS).close(young, Digest.of(SECOND))
    assert (await aging.site.process().at(NAME).stat(Digest.of(SECOND))).size == len(SECOND)
