"""The whole purge: ages by the storage's clock, errors that are reported, dry runs, multipart uploads."""

from datetime import UTC, datetime, timedelta

import pytest

from app.registry import layout
from app.registry.maintenance.report import Report, Skipped
from drivers.contract import UnfinishedUpload
from drivers.errors import Unavailable
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.aging import GRACE, LONG_AGO, Aging, StoreClock, fingerprint
from tests.support.uploading import DAY, Site, Sort

GO = f"{layout.REPOSITORIES}/team/app/_uploads"


class Sick(MemoryDriver):
    """A store where what is below some folders can't be listed or removed."""

    def __init__(self, *, now):
        super().__init__(now=now)
        self.unreadable = set()
        self.stuck = set()

    async def walk(self, path, /, *, after=""):
        if path in self.unreadable:
            raise Unavailable("the disk is on fire")
        async for file in super().walk(path, after=after):
            yield file

    async def list(self, path, /, *, after=""):
        if path in self.unreadable:
            raise Unavailable("the disk is on fire")
        async for name in super().list(path, after=after):
            yield name

    async def delete_tree(self, path, /):
        if path in self.stuck:
            raise Unavailable("not now")
        await super().delete_tree(path)


class Multipart(MemoryDriver):
    """A store with multipart uploads."""

    def __init__(self, *, now):
        super().__init__(now=now)
        self.uploads = []
        self.stuck = set()

    async def unfinished(self, folder, /, *, before):
        for upload in [*self.uploads]:
            if upload.path.startswith(f"{folder}/") and upload.started < before:
                yield upload

    async def abort(self, upload, /):
        if upload.id in self.stuck:
            raise Unavailable("not now")
        self.uploads.remove(upload)


def aging_on(kind):
    clock = StoreClock()
    return Aging(Site(Sort.OBJECTS, kind(now=lambda: clock.now)), clock)


async def leave_session(aging, name):
    await aging.site.driver.put(layout.upload_piece(name, "piece"), b"12345")


async def test_nothing_stored_is_nothing_removed(aging):
    assert await aging.run() == Report()
    assert await aging.tree() == {}


async def test_the_clock_of_this_machine_is_not_asked():
    aging = aging_on(MemoryDriver)
    for year in (1990, 2400):
        aging.clock.now = datetime(year, 5, 1, tzinfo=UTC)
        await leave_session(aging, f"old-{year}")
        aging.clock.now += LONG_AGO
        await leave_session(aging, f"young-{year}")
        aging.clock.now += timedelta(minutes=1)
        assert (await aging.run()).sessions == 1
        assert f"old-{year}" not in "".join(await aging.site.files()).replace(f"uploads/old-{year}", "")
        assert layout.upload_piece(f"young-{year}", "piece") in await aging.site.files()
        aging.clock.now += LONG_AGO
        await aging.run()


async def test_the_files_of_a_registry_at_rest_are_old_although_there_is_none_younger(aging):
    await leave_session(aging, "one")
    aging.pass_by(LONG_AGO)
    assert (await aging.run()).sessions == 1


async def test_what_a_crash_left_of_asking_for_the_time_goes_too(aging):
    await aging.site.driver.put(layout.upload_record("asked", "clock"), b"")
    for _ in range(2):
        aging.pass_by(LONG_AGO)
        await aging.run()
    assert await aging.tree() == {}


async def test_a_dry_run_tells_what_a_real_one_does_and_changes_no_byte(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        aging = Aging(Site(Sort.DISK, driver), root=tmp_path)
        process = aging.site.process()
        session = await process.patch(process.blobs.begin(), b"some bytes")
        await leave_session(aging, "orphan")
        await driver.put(f"{GO}/go/data", b"123")
        aging.pass_by(LONG_AGO)
        await process.patch(process.blobs.begin(), b"young")
        before = fingerprint(tmp_path)
        folders = {path for path in tmp_path.rglob("*") if path.is_dir() and "/v1/tmp" not in str(path)}
        told = await aging.run(dry=True)
        assert fingerprint(tmp_path) == before
        assert {path for path in tmp_path.rglob("*") if path.is_dir() and "/v1/tmp" not in str(path)} == folders
        assert told.sessions == 3
        assert session.id in "".join(before)
        assert await aging.run() == told


async def test_a_session_that_cant_be_looked_at_is_reported_and_the_others_go():
    aging = aging_on(Sick)
    for name in ("a", "b", "c"):
        await leave_session(aging, name)
    await aging.site.driver.put(f"{GO}/sick/data", b"1")
    await aging.site.driver.put(f"{GO}/well/data", b"1")
    aging.pass_by(LONG_AGO)
    aging.site.driver.unreadable = {f"{layout.PIECES}/b", f"{GO}/sick"}
    report = await aging.run()
    assert report.sessions == 3
    assert report.skipped == (
        Skipped(f"{layout.UPLOADS}/b", "the disk is on fire"),
        Skipped(f"{GO}/sick", "the disk is on fire"),
    )
    aging.site.driver.unreadable.clear()
    assert (await aging.run()).sessions == 2


async def test_a_repository_that_cant_be_listed_is_reported_and_the_others_are_purged():
    aging = aging_on(Sick)
    for name in ("one", "two/three"):
        await aging.site.driver.put(f"{layout.REPOSITORIES}/{name}/_uploads/u/data", b"1")
    aging.pass_by(LONG_AGO)
    aging.site.driver.unreadable = {f"{layout.REPOSITORIES}/two"}
    report = await aging.run()
    assert report == Report(1, 1, 1, 0, (Skipped(f"{layout.REPOSITORIES}/two", "the disk is on fire"),))


@pytest.mark.parametrize("folder", [layout.UPLOADS, layout.PIECES])
async def test_sessions_that_cant_be_listed_keep_nobody_from_the_rest(folder):
    aging = aging_on(Sick)
    await leave_session(aging, "a")
    await aging.site.driver.put(f"{GO}/go/data", b"1")
    aging.pass_by(LONG_AGO)
    aging.site.driver.unreadable = {folder}
    report = await aging.run()
    assert (report.sessions, len(report.skipped)) == (1, 1)
    aging.site.driver.unreadable.clear()
    assert layout.upload_piece("a", "piece") in await aging.site.files()


async def test_a_session_that_cant_be_removed_is_reported_and_removed_the_next_time():
    aging = aging_on(Sick)
    await leave_session(aging, "a")
    aging.pass_by(LONG_AGO)
    aging.site.driver.stuck = {f"{layout.PIECES}/a"}
    assert (await aging.run()).skipped == (Skipped(f"{layout.UPLOADS}/a", "not now"),)
    aging.site.driver.stuck.clear()
    assert (await aging.run()).files == 1
    assert layout.upload_piece("a", "piece") not in await aging.site.files()


async def test_multipart_uploads_of_that_age_are_aborted_and_younger_ones_are_not():
    aging = aging_on(Multipart)
    driver, now = aging.site.driver, aging.clock.now
    old, young = now - LONG_AGO, now - DAY - GRACE + timedelta(minutes=1)
    blob, piece = f"{layout.BLOBS}/sha256/ab/abc/data", layout.upload_piece("id", "p")
    driver.uploads = [
        UnfinishedUpload(blob, "1", old),
        UnfinishedUpload(blob, "2", young),
        UnfinishedUpload(piece, "3", old),
        UnfinishedUpload("/somebody/elses", "4", old),
    ]
    before = [*driver.uploads]
    assert await aging.run(dry=True) == Report(multipart=2)
    assert driver.uploads == before
    assert await aging.run() == Report(multipart=2)
    assert [upload.id for upload in driver.uploads] == ["2", "4"]


async def test_a_multipart_upload_of_the_go_registry_is_as_young_as_its_sessions_newest_file():
    aging = aging_on(Multipart)
    driver, old = aging.site.driver, aging.clock.now - LONG_AGO
    await driver.put(f"{GO}/young/hashstates/sha256/5", b"")
    driver.uploads = [UnfinishedUpload(f"{GO}/{name}/data", name, old) for name in ("young", "gone")]
    assert await aging.run() == Report(multipart=1)
    assert [upload.id for upload in driver.uploads] == ["young"]


async def test_a_multipart_upload_that_cant_be_aborted_is_reported():
    aging = aging_on(Multipart)
    driver, old = aging.site.driver, aging.clock.now - LONG_AGO
    driver.uploads = [UnfinishedUpload(f"{layout.BLOBS}/{name}", name, old) for name in ("a", "b")]
    driver.stuck = {"a"}
    assert await aging.run() == Report(multipart=1, skipped=(Skipped(f"{layout.BLOBS}/a", "not now"),))
