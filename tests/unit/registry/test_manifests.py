import asyncio
import json
import re

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import (
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestTooLarge,
    ManifestUnknown,
    PreconditionFailed,
    Problems,
    SizeInvalid,
    Unavailable,
    Unsupported,
)
from app.oci.mediatype import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, OCI_INDEX
from app.oci.reference import Tag
from app.registry import layout
from app.registry.contracts import Precondition
from app.registry.events import EventAction, Subject
from app.registry.rules import ManifestRules, PlatformRule, ReferenceRule, UrlRules
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, OTHER, Heard, push_blobs, push_image, start, tags_of
from tests.support.pushes import LAYER_TYPE, descriptor, image, index, sha256
from tests.support.watched import Crashed, WatchedDriver

LATEST = Tag.parse("latest")
CONTENT = image(b"{}", b"layer")
DIGEST = Digest.of(CONTENT)
LONG = Digest.of(CONTENT, Algorithm.SHA512)
ABSENT = Precondition(absent=True)


@pytest.fixture(params=["memory", "filesystem"])
async def driver(request, tmp_path):
    if request.param == "memory":
        yield WatchedDriver(MemoryDriver())
    else:
        async with FilesystemDriver(tmp_path, fsync=False) as disk:
            yield WatchedDriver(disk)


@pytest.fixture
async def repository(driver):
    repository = (await start(driver)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    return repository


async def set_collector(driver, number, *, active=False):
    state = json.loads(await driver.inner.get(layout.NOW))
    await driver.inner.put(layout.NOW, json.dumps(state | {"collector": number, "active": active}).encode())


# Putting and getting.


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


# References.


async def test_each_missing_reference_is_named_once_in_order_and_nothing_is_stored(driver, repository):
    content = image(b"no config", b"layer", b"no layer", b"no layer", b"none")
    driver.calls.clear()
    with pytest.raises(Problems) as caught:
        await repository.manifests.put(content, "", tags=[LATEST])
    assert [(type(error), error.detail) for error in caught.value.errors] == [
        (ManifestBlobUnknown, sha256(missing)) for missing in (b"no config", b"no layer", b"none")
    ]
    assert driver.writes == []


async def test_a_single_missing_reference_is_raised_by_itself(repository):
    with pytest.raises(ManifestBlobUnknown) as caught:
        await repository.manifests.put(image(b"{}", b"missing"), "")
    assert caught.value.detail == sha256(b"missing")


async def test_references_of_another_repository_do_not_count(driver, repository):
    other = (await start(driver)).repository(OTHER)
    with pytest.raises(Problems) as caught:
        await other.manifests.put(CONTENT, "")
    assert len(caught.value.errors) == 2


async def test_a_linked_blob_whose_bytes_are_gone_is_missing(driver, repository):
    await driver.delete(layout.blob_data(Digest.of(b"layer")))
    repository = (await start(driver)).repository(NAME)
    with pytest.raises(ManifestBlobUnknown):
        await repository.manifests.put(CONTENT, "")


async def test_a_size_unlike_the_stored_one_is_refused_and_named(repository):
    layer = descriptor(b"layer", LAYER_TYPE) | {"size": 6}
    with pytest.raises(SizeInvalid) as caught:
        await repository.manifests.put(image(b"{}", layers=[layer]), "")
    assert caught.value.detail == {"digest": sha256(b"layer"), "announced": 6, "stored": 5}


async def test_entries_of_an_index_must_be_manifests_of_the_repository(repository):
    with pytest.raises(ManifestBlobUnknown) as caught:
        await repository.manifests.put(index(CONTENT), "")
    assert caught.value.detail == DIGEST
    await push_blobs(repository, CONTENT)  # as a blob it is no manifest
    with pytest.raises(ManifestBlobUnknown):
        await repository.manifests.put(index(CONTENT), "")
    await repository.manifests.put(CONTENT, "")
    await repository.manifests.put(index(CONTENT), "", tags=[LATEST])
    inner = index(CONTENT)
    entries = [descriptor(inner, OCI_INDEX)]
    await repository.manifests.put(index(manifests=entries), "")


async def test_references_by_sha512_are_found_by_their_alias(driver, repository):
    await repository.manifests.put(CONTENT, "", digest=LONG)
    entry = descriptor(CONTENT, OCI_IMAGE) | {"digest": LONG}
    await repository.manifests.put(index(manifests=[entry]), "")
    other = Digest.of(image(b"{}"), Algorithm.SHA512)
    with pytest.raises(ManifestBlobUnknown) as caught:
        await repository.manifests.put(index(manifests=[entry | {"digest": other}]), "")
    assert caught.value.detail == other


async def test_many_references_are_asked_for_together_but_not_too_many(driver, repository):
    layers = [b"%d" % number for number in range(100)]
    await push_blobs(repository, *layers)
    repository = (await start(driver)).repository(NAME)
    running = most = 0

    async def count(call):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    driver.before = count
    await repository.manifests.put(image(b"{}", *layers), "")
    assert 8 <= most <= 64


async def test_a_sparse_manifest_is_accepted_where_references_are_optional(driver):
    rules = ManifestRules(references=ReferenceRule.OPTIONAL)
    repository = (await start(driver, rules=rules)).repository(NAME)
    await set_collector(driver, 1, active=True)
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    await repository.manifests.put(index(image(b"missing")), "")
    assert (await repository.manifests.get(LATEST)).manifest.raw == CONTENT


async def test_a_wrong_size_is_refused_also_where_references_are_optional(driver):
    repository = (await start(driver, rules=ManifestRules(references=ReferenceRule.OPTIONAL))).repository(NAME)
    await push_blobs(repository, b"layer")
    layer = descriptor(b"layer", LAYER_TYPE) | {"size": 6}
    with pytest.raises(SizeInvalid):
        await repository.manifests.put(image(b"{}", layers=[layer]), "")


async def test_a_foreign_layer_is_accepted_by_the_urls_that_are_allowed_only(driver):
    rules = ManifestRules(urls=UrlRules(allow=(re.compile("^https://allowed/"),)))
    repository = (await start(driver, rules=rules)).repository(NAME)
    await push_blobs(repository, b"{}")
    foreign = descriptor(b"gone", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    await repository.manifests.put(image(b"{}", layers=[foreign | {"urls": ["https://allowed/layer"]}]), "")
    with pytest.raises(ManifestInvalid):
        await repository.manifests.put(image(b"{}", layers=[foreign | {"urls": ["https://other/layer"]}]), "")
    with pytest.raises(ManifestBlobUnknown):
        await repository.manifests.put(image(b"{}", layers=[foreign]), "")


async def test_an_index_entry_without_a_platform_does_not_crash_the_platform_rule(driver):
    repository = (await start(driver, rules=ManifestRules(platforms=PlatformRule.LIST))).repository(NAME)
    await repository.manifests.put(index(CONTENT), "", tags=[LATEST])


# The order of writes, their number, and crashes.


def steps(calls):
    """Name the calls of a put by what they are for."""
    names = []
    for call in calls:
        if call.path == layout.NOW:
            names.append("state")
        elif call.path.startswith(layout.BLOBS):
            names.append("payload")
        elif call.path.startswith(f"{layout.OWN}/derived/referrers"):
            names.append("referrer")
        elif call.path.startswith(layout.REPOSITORY_INDEX):
            names.append("repository")
        elif "/_manifests/revisions/sha512/" in call.path:
            names.append("alias")
        elif "/_manifests/revisions/" in call.path:
            names.append("revision")
        elif call.path.endswith("/current/link"):
            names.append("tag")
        elif "/index/" in call.path:
            names.append("history")
        else:
            names.append(call.path)
    return names


async def test_a_first_put_writes_bytes_then_links_then_tags_and_reads_the_state_in_between(driver):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    driver.calls.clear()
    await repository.manifests.put(content, "", digest=Digest.of(content, Algorithm.SHA512), tags=[LATEST])
    assert steps(driver.calls) == [
        "payload", "referrer", "revision", "alias", "repository", "state", "tag", "history",
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


@pytest.mark.parametrize("writes", range(7))
async def test_a_crash_between_any_two_writes_leaves_no_dangling_tag_and_a_second_push_heals(
    driver, repository, writes
):
    content = image(b"{}", b"layer", subject=descriptor(b"nothing", OCI_IMAGE))
    dying = WatchedDriver(driver.inner)
    manifests = (await start(dying)).repository(NAME).manifests
    dying.writes_left = writes
    if writes < 6:
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


# The collector.


async def collected_meanwhile(driver, repository, *, active):
    """Push while a collector takes the layer that the cache still vouches for."""
    await repository.blobs.stat(Digest.of(b"layer"))

    async def collect(call):
        if call.path == layout.NOW:
            driver.before = None
            await driver.inner.delete(layout.blob_data(Digest.of(b"layer")))
            await set_collector(driver, 1 if active else 2, active=active)

    driver.before = collect
    await repository.manifests.put(CONTENT, "", tags=[LATEST])


@pytest.mark.parametrize("active", [False, True])
async def test_what_the_collector_took_meanwhile_is_noticed_and_the_manifest_is_taken_back(driver, active):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    with pytest.raises(ManifestBlobUnknown):
        await collected_meanwhile(driver, repository, active=active)
    assert await tags_of(repository) == []
    with pytest.raises(ManifestUnknown):
        await repository.manifests.get(DIGEST)


async def test_a_manifest_that_was_there_before_is_not_taken_back(driver):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_image(repository, "older", layers=[b"layer"])
    with pytest.raises(ManifestBlobUnknown):
        await collected_meanwhile(driver, repository, active=False)
    assert await tags_of(repository) == ["older"]
    assert (await repository.manifests.get(DIGEST)).manifest.raw == CONTENT


async def test_a_run_of_the_collector_that_took_nothing_of_ours_disturbs_no_push(driver):
    repository = (await start(driver, membership=True)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    await set_collector(driver, 3, active=True)
    driver.calls.clear()
    await repository.manifests.put(CONTENT, "", tags=[LATEST])
    asked = [call.path for call in driver.calls if call.verb == "stat"]
    assert sorted(asked) == sorted(layout.blob_data(Digest.of(content)) for content in (b"{}", b"layer"))


async def test_a_state_that_cannot_be_read_fails_the_push_and_takes_nothing_back(driver, repository):
    state = await driver.get(layout.NOW)
    await driver.delete(layout.NOW)
    with pytest.raises(Unavailable):
        await repository.manifests.put(CONTENT, "", tags=[LATEST])
    assert await tags_of(repository) == []
    await driver.put(layout.NOW, state)
    await repository.manifests.put(CONTENT, "", tags=[LATEST])


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
