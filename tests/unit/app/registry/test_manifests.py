import asyncio
import json

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import (
    DigestInvalid,
    ManifestInvalid,
    ManifestTooLarge,
    ManifestUnknown,
    PreconditionFailed,
    Problems,
    Unsupported,
)
from app.oci.mediatype import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, OCI_INDEX
from app.oci.reference import Tag
from app.registry import layout
from app.registry.contracts import Precondition
from app.registry.events import EventAction, Subject
from app.registry.rules import ManifestRules
from tests.support.domain import NAME, Heard, push_blobs, push_image, start, tags_of
from tests.support.pushes import image, index

LATEST = Tag.parse("latest")
CONTENT = image(b"{}", b"layer")
DIGEST = Digest.of(CONTENT)
LONG = Digest.of(CONTENT, Algorithm.SHA512)
ABSENT = Precondition(absent=True)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (CONTENT, OCI_IMAGE),
        (image(b"{}", b"layer", media_type=DOCKER_IMAGE), DOCKER_IMAGE),
        (index(), OCI_INDEX),
        (index(mediaType=DOCKER_LIST), DOCKER_LIST),
        (json.dumps(json.loads(CONTENT), indent=7).encode() + b"\n\n", OCI_IMAGE),
        (CONTENT.replace(b'"schemaVersion"', b'"unknown": {"kept": [1.50, null]}, "schemaVersion"'), OCI_IMAGE),
    ],
)
@pytest.mark.parametrize("named", ["", "with its type"])
async def test_a_manifest_comes_back_byte_for_byte_with_its_own_type(driver, repository, content, media_type, named):
    await repository.manifests.put(content, media_type if named else "", tags=[LATEST])
    for manifests in (repository.manifests, (await start(driver)).repository(NAME).manifests):
        for reference in (LATEST, Digest.of(content)):
            stored = await manifests.get(reference)
            assert (stored.manifest.raw, stored.manifest.media_type) == (content, media_type)
            assert stored.digest == Digest.of(content) == await manifests.resolve(reference)


async def test_a_tag_answers_with_the_digest_it_was_pushed_with(driver, repository):
    stored = await repository.manifests.put(CONTENT, OCI_IMAGE, digest=LONG, tags=[LATEST, Tag.parse("other")])
    assert stored.digest == LONG
    manifests = (await start(driver)).repository(NAME).manifests
    assert (await manifests.get(LATEST)).digest == LONG
    assert (await manifests.get(Tag.parse("other"))).digest == LONG
    assert (await manifests.get(DIGEST)).digest == DIGEST
    await manifests.put(CONTENT, OCI_IMAGE, tags=[LATEST])
    assert (await manifests.get(LATEST)).digest == DIGEST


async def test_a_tag_that_moves_leaves_the_old_manifest_by_digest(repository):
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    await repository.manifests.put(image(b"{}"), "", tags=[LATEST])
    assert (await repository.manifests.get(LATEST)).manifest.raw == image(b"{}")
    assert (await repository.manifests.get(DIGEST)).manifest.raw == CONTENT


@pytest.mark.parametrize("reference", [LATEST, DIGEST, LONG])
async def test_what_was_never_pushed_is_unknown(repository, reference):
    for ask in (repository.manifests.get, repository.manifests.resolve):
        with pytest.raises(ManifestUnknown):
            await ask(reference)


async def test_a_dangling_tag_is_unknown(driver, repository):
    await repository.tags.put(LATEST, DIGEST)
    for ask in (repository.manifests.get, repository.manifests.resolve):
        with pytest.raises(ManifestUnknown):
            await ask(LATEST)


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_digest_that_is_not_that_of_the_bytes_is_refused_and_nothing_is_stored(driver, repository, algorithm):
    driver.calls.clear()
    with pytest.raises(DigestInvalid):
        await repository.manifests.put(CONTENT, "", digest=Digest.of(b"other", algorithm), tags=[LATEST])
    assert driver.calls == []


async def test_too_large_a_manifest_is_refused_before_it_is_parsed(driver):
    repository = (await start(driver, rules=ManifestRules(max_size=100))).repository(NAME)
    with pytest.raises(ManifestTooLarge):
        await repository.manifests.put(b"[" * 101, "")


async def test_a_document_that_is_no_manifest_is_refused(driver, repository):
    driver.calls.clear()
    for content, media_type in ((b"{}", ""), (b"", OCI_IMAGE), (CONTENT, OCI_INDEX), (CONTENT, "text/plain")):
        with pytest.raises(ManifestInvalid):
            await repository.manifests.put(content, media_type, tags=[LATEST])
    assert driver.calls == []


# Preconditions.


async def test_a_precondition_that_does_not_hold_is_refused_before_anything_is_stored(driver, repository):
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    driver.calls.clear()
    with pytest.raises(PreconditionFailed):
        await repository.manifests.put(image(b"{}"), "", tags=[LATEST], precondition=ABSENT)
    assert driver.writes == []


async def test_a_tag_that_moves_during_the_push_fails_the_precondition_at_the_write(driver, repository):
    async def another(call):
        if call.path == layout.NOW:
            driver.before = None
            await driver.inner.put(layout.tag_current(NAME, LATEST), DIGEST.encode())

    driver.before = another
    with pytest.raises(PreconditionFailed):
        await repository.manifests.put(image(b"{}"), "", tags=[LATEST], precondition=ABSENT)
    assert await repository.tags.get(LATEST) == DIGEST


async def test_of_fifty_racing_create_only_puts_of_one_tag_exactly_one_succeeds(driver, repository):
    contents = [image(b"{}", annotations={"number": str(number)}) for number in range(50)]

    async def put(content):
        return await repository.manifests.put(content, "", tags=[LATEST], precondition=ABSENT)

    outcomes = await asyncio.gather(*map(put, contents), return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(outcome) for outcome in failed] == [PreconditionFailed] * 49
    (winner,) = (outcome for outcome in outcomes if outcome not in failed)
    assert (await repository.manifests.get(LATEST)).manifest.raw == winner.manifest.raw


async def test_preconditions_are_refused_without_compare_and_swap_before_anything_is_stored(driver):
    repository = (await start(driver, swap=False)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    driver.calls.clear()
    with pytest.raises(Unsupported):
        await repository.manifests.put(CONTENT, "", tags=[LATEST], precondition=ABSENT)
    assert driver.writes == []
    await repository.manifests.put(CONTENT, "", tags=[LATEST])


# Deleting.


@pytest.mark.parametrize("by", [DIGEST, LONG])
async def test_deleting_a_manifest_takes_all_its_names_and_tags_and_nothing_else(driver, by):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_image(repository, "other")
    await push_image(repository, "a", "b", layers=[b"layer"], algorithm=Algorithm.SHA512)
    await push_image(repository, "c", layers=[b"layer"])
    await repository.manifests.get(DIGEST)
    await repository.manifests.delete(by)
    for manifests in (repository.manifests, (await start(driver)).repository(NAME).manifests):
        for reference in (DIGEST, LONG, Tag.parse("a"), Tag.parse("c")):
            with pytest.raises(ManifestUnknown):
                await manifests.get(reference)
        with pytest.raises(ManifestUnknown):
            await manifests.delete(by)
    assert await tags_of(repository) == ["other"]
    assert (await repository.manifests.get(Tag.parse("other"))).manifest.raw == image(b"{}")
    await repository.blobs.stat(Digest.of(b"layer"))


async def test_a_deleted_manifest_can_be_pushed_again(driver, repository):
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    await repository.manifests.delete(DIGEST)
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    assert (await repository.manifests.get(LATEST)).manifest.raw == CONTENT


async def test_deleting_what_is_unknown_tells_the_cache_nevertheless(driver):
    """Whoever deleted it may have died before he could."""
    namespace = await start(driver, membership=True)
    repository = namespace.repository(NAME)
    await push_image(repository, layers=[b"layer"])
    await repository.manifests.get(DIGEST)
    await driver.delete(layout.link(layout.revisions(NAME), DIGEST))
    assert await repository.manifests.resolve(DIGEST) == DIGEST  # the cache vouches
    with pytest.raises(ManifestUnknown):
        await repository.manifests.delete(DIGEST)
    with pytest.raises(ManifestUnknown):
        await repository.manifests.resolve(DIGEST)


async def test_a_manifest_whose_bytes_are_lost_can_be_deleted(driver, repository):
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    await driver.put(layout.blob_data(DIGEST), b"rot")
    repository = (await start(driver)).repository(NAME)
    await repository.manifests.delete(DIGEST)
    assert await tags_of(repository) == []
    with pytest.raises(ManifestUnknown):
        await repository.manifests.delete(DIGEST)


async def test_a_manifest_that_an_index_names_can_be_deleted_and_the_index_stays(repository):
    await repository.manifests.put(CONTENT, "")
    await repository.manifests.put(index(CONTENT), "", tags=[LATEST])
    await repository.manifests.delete(DIGEST)
    assert (await repository.manifests.get(LATEST)).manifest.raw == index(CONTENT)


# Events.


async def test_pushes_pulls_and_deletes_are_told_with_their_tags(driver):
    heard = Heard()
    repository = (await start(driver, events=heard)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    heard.events.clear()
    await repository.manifests.put(CONTENT, "", digest=LONG, tags=[LATEST, Tag.parse("other")])
    await repository.manifests.put(CONTENT, "")
    repository.manifests.pulled(await repository.manifests.get(LATEST), tag=LATEST)
    await repository.manifests.delete(DIGEST)
    told = [
        (event.action, event.subject, event.descriptor and event.descriptor.digest, event.tag) for event in heard.events
    ]
    told[4:6] = sorted(told[4:6])  # tags go side by side
    assert told == [
        (EventAction.PUSH, Subject.MANIFEST, LONG, "latest"),
        (EventAction.PUSH, Subject.MANIFEST, LONG, "other"),
        (EventAction.PUSH, Subject.MANIFEST, DIGEST, None),
        (EventAction.PULL, Subject.MANIFEST, LONG, "latest"),
        (EventAction.DELETE, Subject.TAG, None, "latest"),
        (EventAction.DELETE, Subject.TAG, None, "other"),
        (EventAction.DELETE, Subject.MANIFEST, DIGEST, None),
    ]
    assert {event.repository for event in heard.events} == {NAME}
    assert heard.events[0].descriptor.size == len(CONTENT)
    assert heard.events[0].descriptor.media_type == OCI_IMAGE


async def test_a_refused_push_is_not_told(driver):
    heard = Heard()
    repository = (await start(driver, events=heard)).repository(NAME)
    with pytest.raises(Problems):
        await repository.manifests.put(CONTENT, "", tags=[LATEST])
    assert heard.events == []
