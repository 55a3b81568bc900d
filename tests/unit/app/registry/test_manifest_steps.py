from contextlib import suppress

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import (
    ManifestUnknown,
)
from app.oci.mediatype import OCI_IMAGE
from app.oci.reference import Tag
from app.registry import layout
from tests.support.domain import NAME, push_blobs, push_image, start, steps, tags_of
from tests.support.pushes import descriptor, image
from tests.support.watched import Crashed, WatchedDriver

LATEST = Tag.parse("latest")
CONTENT = image(b"{}", b"layer")
DIGEST = Digest.of(CONTENT)
LONG = Digest.of(CONTENT, Algorithm.SHA512)


async def test_a_first_put_writes_bytes_then_links_then_tags_and_reads_the_state_in_between(driver):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    driver.calls.clear()
    await repository.manifests.put(content, "", digest=Digest.of(content, Algorithm.SHA512), tags=[LATEST])
    assert steps(driver.calls) == [
        "payload", "referrer", "revision", "alias", "referrer", "repository", "state", "tag", "history",
    ]  # fmt: skip


@pytest.mark.parametrize("again", [False, True])
async def test_a_warm_put_by_tag_costs_four_writes_and_one_read(driver, again):
    namespace = await start(driver, membership=True)
    repository = namespace.repository(NAME)
    await push_image(repository, "first", layers=[b"layer"])
    await push_image(repository, "second")
    content = CONTENT if again else image(b"{}", b"layer", annotations={"new": "one"})
    driver.calls.clear()
    await namespace.repository(NAME).manifests.put(content, "", tags=[LATEST])
    assert steps(driver.calls) == ["payload", "revision", "state", "tag", "history"]
    assert len(driver.writes) == 4


async def test_a_put_by_digest_without_tags_touches_no_tag(driver, repository):
    driver.calls.clear()
    await repository.manifests.put(CONTENT, "", digest=DIGEST)
    assert "tag" not in steps(driver.calls)
    assert await tags_of(repository) == []


async def test_pulls_cost_what_the_design_says(driver):
    await push_image((await start(driver)).repository(NAME), "latest", layers=[b"layer"])
    manifests = (await start(driver, membership=True)).repository(NAME).manifests
    costs = []
    for reference in (LATEST, LATEST, DIGEST):
        driver.calls.clear()
        await manifests.get(reference)
        costs.append(len(driver.calls))
    assert costs == [3, 1, 0]


@pytest.mark.parametrize("writes", range(8))
async def test_a_crash_between_any_two_writes_leaves_no_dangling_tag_and_a_second_push_heals(
    driver, repository, writes
):
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    dying = WatchedDriver(driver.inner)
    manifests = (await start(dying)).repository(NAME).manifests
    dying.writes_left = writes
    if writes < 7:
        with pytest.raises(Crashed):
            await manifests.put(content, "", tags=[LATEST])
    else:
        await manifests.put(content, "", tags=[LATEST])

    repository = (await start(driver)).repository(NAME)
    for tag in await tags_of(repository):
        assert (await repository.manifests.get(Tag.parse(tag))).manifest.raw == content
    referrers = [one.digest async for one in repository.referrers.list(Digest.of(b"nothing"))]
    visible = True
    try:
        await repository.manifests.get(Digest.of(content))
    except ManifestUnknown:
        visible = False
    assert referrers == ([Digest.of(content)] if visible else [])

    await repository.manifests.put(content, "", tags=[LATEST])
    repository = (await start(driver)).repository(NAME)
    assert (await repository.manifests.get(LATEST)).manifest.raw == content
    assert [one.digest async for one in repository.referrers.list(Digest.of(b"nothing"))] == [Digest.of(content)]
    assert await tags_of(repository) == ["latest"]


async def test_zero_byte_files_of_a_power_cut_count_as_missing_and_a_second_push_heals(driver, repository):
    await repository.manifests.put(CONTENT, "", digest=LONG, tags=[LATEST])
    for path in (
        layout.blob_data(DIGEST),
        layout.link(layout.revisions(NAME), DIGEST),
        layout.link(layout.revisions(NAME), LONG),
        layout.tag_current(NAME, LATEST),
    ):
        await driver.put(path, b"")
        repository = (await start(driver)).repository(NAME)
        with pytest.raises(ManifestUnknown):
            await repository.manifests.get(LATEST)
    await repository.manifests.put(CONTENT, "", digest=LONG, tags=[LATEST])
    assert (await (await start(driver)).repository(NAME).manifests.get(LATEST)).digest == LONG


async def test_a_delete_takes_tags_then_the_revision_and_looks_for_tags_once_more(driver, repository):
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    driver.calls.clear()

    async def tag_again(call):
        if call.verb == "delete" and "/_manifests/revisions/" in call.path:
            driver.before = None
            await driver.inner.put(layout.tag_current(NAME, Tag.parse("late")), DIGEST.encode())

    driver.before = tag_again
    await repository.manifests.delete(DIGEST)
    assert steps(driver.writes) == [
        layout.tag_index(NAME, LATEST),
        "tag",
        "revision",
        layout.tag_index(NAME, Tag.parse("late")),
        "tag",
    ]
    assert await tags_of(repository) == []


@pytest.mark.parametrize("writes", range(6))
async def test_a_delete_that_crashed_anywhere_leaves_no_dangling_tag_and_can_be_repeated(driver, repository, writes):
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    digest = Digest.of(content, Algorithm.SHA512)
    await repository.manifests.put(content, "", digest=digest, tags=[LATEST])
    dying = WatchedDriver(driver.inner)
    manifests = (await start(dying)).repository(NAME).manifests
    dying.writes_left = writes
    with pytest.raises(Crashed):
        await manifests.delete(digest)
    repository = (await start(driver)).repository(NAME)
    for tag in await tags_of(repository):
        assert (await repository.manifests.get(Tag.parse(tag))).manifest.raw == content
    for name in (digest, Digest.of(content)):
        try:
            await repository.manifests.delete(name)
        except ManifestUnknown:
            continue
    repository = (await start(driver)).repository(NAME)
    for name in (digest, Digest.of(content)):
        with pytest.raises(ManifestUnknown):
            await repository.manifests.get(name)
    assert await tags_of(repository) == []


@pytest.mark.parametrize("moment", range(1, 12))
async def test_a_referrer_pushed_again_while_it_is_deleted_is_listed_if_it_is_there(driver, repository, moment):
    """The delete runs whole before the *moment*-th call of the push, and the other way round."""
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    digest = Digest.of(content)

    async def push():
        await repository.manifests.put(content, "")

    async def delete():
        with suppress(ManifestUnknown):
            await repository.manifests.delete(digest)

    for outer, inner in ((push, delete), (delete, push)):
        await push()
        calls = 0

        async def interrupt(call):
            nonlocal calls
            calls += 1
            if calls == moment:
                driver.before = None
                await inner()  # noqa: B023

        driver.before = interrupt
        await outer()
        driver.before = None
        try:
            await repository.manifests.get(digest)
            wanted = [digest]
        except ManifestUnknown:
            wanted = []
        assert [one.digest async for one in repository.referrers.list(Digest.of(b"nothing"))] == wanted
