"""What the Go registry began and nobody ended."""

from datetime import timedelta

import pytest

from app.registry import layout
from tests.support.aging import LONG_AGO, Aging
from tests.support.uploading import NAME, Sort
from tests.support.watched import WatchedDriver

STARTED = b"2020-01-01T00:00:00Z"


def upload(repository, name, file):
    return f"{layout.REPOSITORIES}/{repository}/_uploads/{name}/{file}"


async def leave(aging, repository, name, *, started=True):
    await aging.site.driver.put(upload(repository, name, "data"), b"12345")
    await aging.site.driver.put(upload(repository, name, "hashstates/sha256/5"), b"state")
    if started:
        await aging.site.driver.put(upload(repository, name, "startedat"), STARTED)


@pytest.mark.parametrize("started", [True, False], ids=["with its start", "without a start"])
@pytest.mark.parametrize("repository", ["alpine", "a/b/c/d", "uploads", "a-b/x_uploads"])
async def test_an_old_session_goes_in_a_repository_of_any_depth(aging, repository, started):
    await leave(aging, repository, "uuid", started=started)
    aging.pass_by(LONG_AGO)
    report = await aging.run()
    assert (report.sessions, report.files) == (1, 3 if started else 2)
    assert report.bytes == 10 + len(STARTED) * started
    assert await aging.tree() == {}


async def test_a_session_is_as_young_as_its_newest_file_whatever_it_says_of_its_start(aging):
    await leave(aging, "a", "uuid")
    aging.pass_by(LONG_AGO)
    await aging.site.driver.put(upload("a", "uuid", "hashstates/sha256/9"), b"state")
    before = await aging.tree()
    assert (await aging.run()).sessions == 0
    assert await aging.tree() == before


async def test_what_was_pushed_stays_however_old_it_is(aging):
    process = aging.site.process()
    await process.at(NAME).put(b"content", "application/octet-stream")
    before = await aging.tree()
    await leave(aging, NAME, "uuid")
    await leave(aging, f"{NAME}/below", "uuid")
    aging.pass_by(timedelta(days=4000))
    assert (await aging.run()).sessions == 2
    assert await aging.tree() == before


async def test_files_that_are_no_sessions_stay(aging):
    await aging.site.driver.put(f"{layout.REPOSITORIES}/a/_uploads/stray", b"")
    await aging.site.driver.put(f"{layout.REPOSITORIES}/stray", b"")
    await aging.site.driver.put(f"{layout.REPOSITORIES}/a/_layers/_uploads/b/data", b"")
    before = await aging.tree()
    aging.pass_by(LONG_AGO)
    assert (await aging.run()).sessions == 0
    assert await aging.tree() == before


async def test_each_repository_costs_one_listing_however_many_links_it_has():
    aging = Aging.in_memory(Sort.OBJECTS)
    for number in range(50):
        await aging.site.driver.put(f"{layout.REPOSITORIES}/a/_layers/sha256/{number}/link", b"")
    watched = WatchedDriver(aging.site.driver)
    await aging.purge(watched).run(LONG_AGO)
    assert [call.path for call in watched.calls if call.verb in {"list", "walk"}] == [
        layout.UPLOADS,
        layout.PIECES,
        layout.REPOSITORIES,
        f"{layout.REPOSITORIES}/a",
    ]
