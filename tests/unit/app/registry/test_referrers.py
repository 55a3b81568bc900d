import json

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.mediatype import OCI_ARTIFACT, OCI_IMAGE, OCI_INDEX
from app.oci.reference import Tag
from app.registry import layout
from app.registry.referrers import fallback_tag
from app.registry.rules import ManifestRules, ReferenceRule
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, OTHER, push_blobs, push_image, start
from tests.support.pushes import CONFIG_TYPE, descriptor, image, index
from tests.support.watched import WatchedDriver

SUBJECT = image(b"{}", annotations={"the": "subject"})
DIGEST = Digest.of(SUBJECT)
NAMED = descriptor(SUBJECT, OCI_IMAGE)


@pytest.fixture
def driver():
    return WatchedDriver(MemoryDriver())


@pytest.fixture
async def repository(driver):
    return (await start(driver)).repository(NAME)


async def listed(repository, subject=DIGEST, **more):
    return [found async for found in repository.referrers.list(subject, **more)]


async def digests(repository, subject=DIGEST, **more):
    return [found.digest for found in await listed(repository, subject, **more)]


async def refer(repository, number=0, *tags, **more):
    stored = await push_image(repository, *tags, subject=NAMED, **{"annotations": {"number": str(number)}} | more)
    return stored.digest


async def by_the_go_registry(driver, content, *tags):
    """Write a manifest as a registry does that knows no subjects."""
    digest = Digest.of(content)
    await driver.put(layout.blob_data(digest), content)
    await driver.put(layout.link(layout.revisions(NAME), digest), digest.encode())
    for tag in tags:
        await driver.put(layout.tag_current(NAME, tag), digest.encode())
    return digest


async def test_a_referrer_is_listed_with_its_whole_descriptor_whether_its_subject_exists_or_not(repository):
    digest = await refer(repository, artifactType="application/vnd.example", annotations={"a": "b", "c": ""})
    (found,) = await listed(repository)
    size = len((await repository.manifests.get(digest)).manifest.raw)
    assert found == Descriptor(OCI_IMAGE, size, digest, "application/vnd.example", {"a": "b", "c": ""})
    await push_blobs(repository, b"{}")
    await repository.manifests.put(SUBJECT, "")
    assert await listed(repository) == [found]


async def test_the_whole_descriptor_is_in_the_entry(driver, repository):
    digest = await refer(repository, artifactType="application/vnd.example", annotations={"a": "b"})
    entry = json.loads(await driver.get(layout.referrer(NAME, DIGEST, digest)))
    size = len((await repository.manifests.get(digest)).manifest.raw)
    assert entry == {
        "mediaType": OCI_IMAGE,
        "size": size,
        "digest": digest,
        "artifactType": "application/vnd.example",
        "annotations": {"a": "b"},
    }


async def test_an_image_without_an_artifact_type_is_listed_with_its_config_type(repository):
    await refer(repository)
    assert [found.artifact_type for found in await listed(repository)] == [CONFIG_TYPE]


async def test_an_index_is_listed_and_without_an_artifact_type_it_has_none(repository):
    plain = index(subject=NAMED)
    typed = index(subject=NAMED, artifactType="application/vnd.example")
    for content in (plain, typed):
        await repository.manifests.put(content, "")
    found = {one.digest: one for one in await listed(repository)}
    assert found[Digest.of(plain)] == Descriptor(OCI_INDEX, len(plain), Digest.of(plain))
    assert found[Digest.of(typed)].artifact_type == "application/vnd.example"


async def test_an_artifact_manifest_is_listed(repository):
    document = {"mediaType": OCI_ARTIFACT, "artifactType": "application/vnd.example", "subject": NAMED}
    content = json.dumps(document).encode()
    await repository.manifests.put(content, "")
    assert [found.media_type for found in await listed(repository)] == [OCI_ARTIFACT]


async def test_a_referrer_pushed_twice_and_under_two_tags_is_listed_once(repository):
    digest = await refer(repository, 0, "a")
    await refer(repository, 0, "b")
    await refer(repository)
    assert await digests(repository) == [digest]


async def test_referrers_come_in_order_of_digest_and_pages_begin_after_one(repository):
    wanted = sorted([await refer(repository, number) for number in range(70)])
    assert await digests(repository) == wanted
    for position in (0, 31, 32, 68, 69):
        assert await digests(repository, after=wanted[position]) == wanted[position + 1 :]


async def test_the_filter_leaves_one_type_and_counts_the_config_type(repository):
    signature = await refer(repository, 1, artifactType="application/vnd.signature")
    plain = await refer(repository, 2)
    assert await digests(repository, artifact_type="application/vnd.signature") == [signature]
    assert await digests(repository, artifact_type=CONFIG_TYPE) == [plain]
    assert await digests(repository, artifact_type="application/vnd.none") == []
    assert await digests(repository, artifact_type="") == sorted([signature, plain])


async def test_a_digest_or_repository_that_nobody_saw_has_no_referrers(driver, repository):
    assert await digests(repository) == []
    await refer(repository)
    assert await digests((await start(driver)).repository(OTHER)) == []
    assert await digests(repository, Digest.of(SUBJECT, Algorithm.SHA512)) == []


async def test_a_sha512_subject_is_a_key_of_its_own(repository):
    subject = Digest.of(SUBJECT, Algorithm.SHA512)
    digest = (await push_image(repository, subject=NAMED | {"digest": subject})).digest
    assert await digests(repository, subject) == [digest]
    assert await digests(repository) == []


async def test_a_referrer_pushed_by_sha512_is_listed_by_the_digest_it_was_pushed_with(repository):
    digest = await refer(repository, algorithm=Algorithm.SHA512)
    assert digest.algorithm is Algorithm.SHA512
    assert await digests(repository) == [digest]


async def test_an_entry_is_believed_only_while_its_manifest_is_visible(driver, repository):
    gone, stays = await refer(repository, 1), await refer(repository, 2)
    await driver.delete(layout.link(layout.revisions(NAME), gone))
    assert await digests(repository) == [stays]


async def test_a_deleted_referrer_is_gone_and_its_own_referrers_stay(driver, repository):
    await push_image(repository, annotations={"the": "subject"})
    signature = await refer(repository)
    content = (await repository.manifests.get(signature)).manifest.raw
    countersigned = await push_image(repository, subject=descriptor(content, OCI_IMAGE))
    await repository.manifests.delete(signature)
    assert await digests(repository) == []
    assert await digests(repository, signature) == [countersigned.digest]
    assert [info async for info in driver.walk(layout.referrers(NAME, DIGEST))] == []
    await refer(repository)
    assert await digests(repository) == [signature]


async def test_referrers_stay_when_their_subject_is_deleted(repository):
    await push_image(repository, annotations={"the": "subject"})
    signature = await refer(repository)
    await repository.manifests.delete(DIGEST)
    assert await digests(repository) == [signature]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"mediaType":"a/b","size":1,"digest":"sha256:00"}'])
async def test_a_broken_entry_is_read_from_the_manifest_instead(driver, repository, content):
    digest = await refer(repository, artifactType="application/vnd.example")
    wanted = await listed(repository)
    await driver.put(layout.referrer(NAME, DIGEST, digest), content)
    assert await listed((await start(driver)).repository(NAME)) == wanted


async def test_files_that_are_no_entries_are_passed_over(driver, repository):
    digest = await refer(repository)
    await driver.put(f"{layout.referrers(NAME, DIGEST)}/sha256-zz", b"")
    assert await digests(repository) == [digest]


async def test_a_warm_list_costs_one_call_where_the_cache_may_vouch(driver):
    repository = (await start(driver, membership=True)).repository(NAME)
    for number in range(5):
        await refer(repository, number)
    await listed(repository)
    driver.calls.clear()
    assert len(await listed(repository)) == 5
    assert driver.calls == [("list", layout.referrers(NAME, DIGEST))]


# What older clients listed under a tag of the referrers tag schema.


def test_the_tag_of_older_clients_is_cut_as_the_schema_says():
    assert fallback_tag(DIGEST) == f"sha256-{DIGEST.hex}"
    assert (
        fallback_tag(Digest.of(SUBJECT, Algorithm.SHA512)) == f"sha512-{Digest.of(SUBJECT, Algorithm.SHA512).hex[:64]}"
    )


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_manifests_listed_under_an_older_clients_tag_are_folded_in_once(driver, repository, algorithm):
    subject = Digest.of(SUBJECT, algorithm)
    named = NAMED | {"digest": subject}
    older = [image(b"{}", subject=named, annotations={"old": str(number)}) for number in range(3)]
    for content in older:
        await by_the_go_registry(driver, content)
    newer = (await push_image(repository, subject=named)).digest
    both = (await push_image(repository, subject=named, annotations={"old": "0"})).digest
    unrelated = image(b"{}", annotations={"no": "subject"})
    await by_the_go_registry(driver, unrelated)
    missing = image(b"{}", subject=named, annotations={"not": "here"})
    await by_the_go_registry(driver, index(*older, unrelated, missing), fallback_tag(subject))
    repository = (await start(driver)).repository(NAME)
    wanted = sorted({*map(Digest.of, older), newer, both})
    assert len(wanted) == 4
    for _ in range(2):
        assert await digests(repository, subject) == wanted
        assert await digests(repository, subject, after=wanted[1]) == wanted[2:]


async def test_an_older_clients_referrer_is_described_and_filtered_like_any_other(driver, repository):
    content = image(b"{}", subject=NAMED, artifactType="application/vnd.old", annotations={"a": "b"})
    digest = await by_the_go_registry(driver, content)
    await by_the_go_registry(driver, index(content), fallback_tag(DIGEST))
    wanted = [Descriptor(OCI_IMAGE, len(content), digest, "application/vnd.old", {"a": "b"})]
    assert await listed(repository) == wanted
    assert await listed(repository, artifact_type="application/vnd.old") == wanted
    assert await listed(repository, artifact_type="application/vnd.new") == []


async def test_an_older_clients_tag_is_an_ordinary_tag(driver, repository):
    await by_the_go_registry(driver, index(), fallback_tag(DIGEST))
    assert await digests(repository) == []
    assert [tag async for tag in repository.tags.list()] == [fallback_tag(DIGEST)]


async def test_an_older_client_that_pushes_its_list_to_us_is_heard_by_every_process(driver, repository):
    """Its list may name manifests that the Go registry stored, of which we have no entry."""
    content = image(b"{}", subject=NAMED)
    digest = await by_the_go_registry(driver, content)
    elsewhere = (await start(driver)).repository(NAME)
    assert await digests(elsewhere) == []
    await repository.manifests.put(index(content), "", tags=[fallback_tag(DIGEST)])
    assert await digests(repository) == await digests(elsewhere) == [digest]


async def test_a_list_under_another_tag_or_of_missing_manifests_is_not_taken_for_one(driver):
    repository = (await start(driver, rules=ManifestRules(references=ReferenceRule.OPTIONAL))).repository(NAME)
    content = image(b"{}", subject=NAMED)
    await by_the_go_registry(driver, content)
    missing = image(b"{}", subject=NAMED, annotations={"not": "here"})
    tags = [Tag.parse("latest"), fallback_tag(Digest.of(b"another")), Tag.parse(f"sha256-{'0' * 63}")]
    await repository.manifests.put(index(content, missing), "", digest=Digest.of(index(content, missing)), tags=tags)
    await repository.manifests.put(index(missing), "", tags=[fallback_tag(DIGEST)])
    assert await digests(repository) == []


async def test_artifact_types_as_long_as_manifests_are_not_all_remembered(driver, repository):
    await push_blobs(repository, b"{}")
    for number in range(12):
        await refer(repository, artifactType=f"{number}{'x' * (1 << 20)}")
    for _ in range(2):
        driver.calls.clear()
        assert len(await listed(repository)) == 12
        assert len([call for call in driver.calls if call.verb == "get" and "/referrers/" in call.path]) >= 4
