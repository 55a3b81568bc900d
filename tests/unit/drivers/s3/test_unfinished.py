"""Multipart uploads that nobody completed: listed by age, in pages that may end anywhere, and ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.contract import SupportsMultipartPurge, UnfinishedUpload
from drivers.errors import Unavailable
from drivers.s3.multipart import Multipart
from drivers.s3.opening import make_driver

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOMORROW = datetime.now(UTC) + timedelta(days=1)


async def found(driver, folder, before=TOMORROW):
    return [upload async for upload in driver.unfinished(folder, before=before)]


async def begin(client, *paths):
    return [await Multipart.create(client, path) for path in paths]


async def test_what_is_below_a_folder_is_found_and_what_only_begins_alike_is_not(driver, client):
    assert isinstance(driver, SupportsMultipartPurge)
    await begin(client, "/a/file", "/a/b/file", "/ab/file", "/c")
    assert sorted(upload.path for upload in await found(driver, "/a")) == ["/a/b/file", "/a/file"]
    assert sorted(upload.path for upload in await found(driver, "/")) == ["/a/b/file", "/a/file", "/ab/file", "/c"]
    assert await found(driver, "/absent") == []


async def test_what_was_completed_or_dropped_is_found_no_more(driver, client):
    completed, dropped = await begin(client, "/completed", "/dropped")
    await completed.send(1, b"content")
    await completed.complete()
    await dropped.abort()
    assert await found(driver, "/") == []


async def test_an_upload_is_ended_once_and_once_more(driver, client, uploads):
    (upload,) = await begin(client, "/file")
    await upload.send(1, b"content")
    (listed,) = await found(driver, "/")
    assert listed.started.tzinfo is not None
    await driver.abort(listed)
    assert await uploads() == []
    await driver.abort(listed)
    await driver.abort(UnfinishedUpload("/never/there", listed.id, listed.started))


async def test_an_upload_that_was_ended_while_somebody_sends_fails_and_leaves_nothing(driver, client, uploads, store):
    if store.name == "moto":
        pytest.skip("moto answers 500 to the completion of an upload that is gone")
    (upload,) = await begin(client, "/file")
    await upload.send(1, b"content")
    for listed in await found(driver, "/"):
        await driver.abort(listed)
    with pytest.raises(Unavailable, match="is gone"):
        await upload.complete()
    assert await uploads() == []


@pytest.mark.parametrize("pagesize", [1, 2, 3, 4, 5, 1000])
async def test_pages_may_end_amidst_the_uploads_towards_one_file(
    connection, client, settings, conditions, store, pagesize
):
    if store.name == "moto":
        pytest.skip("moto knows no pages of multipart uploads")
    driver = make_driver(connection, client, settings, conditions, pagesize=pagesize)
    await begin(client, "/f/a", "/f/b", "/f/b", "/f/b", "/f/c", "/f/d", "/f/d", "/other")
    uploads = await found(driver, "/f")
    ids = {upload.id for upload in uploads}
    assert len(ids) == len(uploads)
    # Of more uploads than fit on a page the oldest are found first, so who ends them finds the others then.
    expected = {"/f/a": 1, "/f/b": min(3, pagesize), "/f/c": 1, "/f/d": min(2, pagesize)}
    paths = [upload.path for upload in uploads]
    assert {path: paths.count(path) for path in paths} == expected
    while uploads:
        for upload in uploads:
            await driver.abort(upload)
        uploads = await found(driver, "/f")
    assert await store.uploads(f"{settings.rootdirectory}/f") == []


async def test_only_what_is_older_is_found(driver, client, store):
    if store.name == "moto":
        pytest.skip("moto says of every multipart upload that it began in 2010")
    await begin(client, "/file")
    (upload,) = await found(driver, "/")
    assert await found(driver, "/", before=upload.started) == []
    assert await found(driver, "/", before=upload.started + timedelta(seconds=1)) == [upload]
