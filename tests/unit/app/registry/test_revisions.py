import asyncio

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, ManifestUnknown
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from app.registry import layout
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, OTHER, push_blobs, push_image, start
from tests.support.pushes import image
from tests.support.watched import WatchedDriver

CONTENT = image(b"{}")
DIGEST = Digest.of(CONTENT)
LONG = Digest.of(CONTENT, Algorithm.SHA512)
LINK = layout.link(layout.revisions(NAME), DIGEST)
ALIAS = layout.link(layout.revisions(NAME), LONG)
PAYLOAD = layout.blob_data(DIGEST)


@pytest.fixture
def driver():
    return WatchedDriver(MemoryDriver())


@pytest.fixture
async def filled(driver):
    """A store into which another process pushed an image under its sha512."""
    namespace = await start(driver)
    await push_image(namespace.repository(NAME), "latest", algorithm=Algorithm.SHA512)
    return driver


async def cold(driver, **more):
    namespace = await start(driver, **more)
    driver.calls.clear()
    return namespace.repository(NAME).manifests


async def test_by_digest_link_and_bytes_are_read_side_by_side(filled):
    manifests = await cold(filled)
    both = asyncio.Event()

    async def wait_for_the_other(call):
        if len(filled.calls) == 2:
            both.set()
        await both.wait()

    filled.before = wait_for_the_other
    assert (await manifests.get(DIGEST)).manifest.raw == CONTENT
    assert sorted(filled.calls) == sorted([("get", LINK), ("get", PAYLOAD)])


async def test_a_warm_pull_by_digest_costs_nothing_where_the_cache_may_vouch(filled):
    manifests = await cold(filled, membership=True)
    for reference in (DIGEST, LONG):
        await manifests.get(reference)
        filled.calls.clear()
        assert (await manifests.get(reference)).digest == reference
        assert filled.calls == []


async def test_a_warm_pull_reads_the_permission_alone_where_the_cache_may_not_vouch(filled):
    manifests = await cold(filled, membership=False)
    await manifests.get(DIGEST)
    filled.calls.clear()
    await manifests.get(DIGEST)
    assert filled.calls == [("get", LINK)]


async def test_a_manifest_of_another_repository_is_unknown_even_when_remembered(filled):
    namespace = await start(filled)
    await namespace.repository(NAME).manifests.get(DIGEST)
    for reference in (DIGEST, LONG):
        with pytest.raises(ManifestUnknown):
            await namespace.repository(OTHER).manifests.get(reference)
        with pytest.raises(ManifestUnknown):
            await namespace.repository(OTHER).manifests.resolve(reference)


async def test_how_long_a_refusal_takes_does_not_tell_whether_there_are_bytes(filled):
    manifests = (await start(filled)).repository(OTHER).manifests

    async def endless(call):
        if call.path == PAYLOAD:
            await asyncio.Event().wait()

    filled.before = endless
    with pytest.raises(ManifestUnknown):
        await manifests.get(DIGEST)


async def test_a_layer_is_not_a_manifest_and_a_manifest_not_a_layer(driver):
    namespace = await start(driver, membership=True)
    repository = namespace.repository(NAME)
    await push_blobs(repository, CONTENT, b"{}")
    with pytest.raises(ManifestUnknown):
        await repository.manifests.get(DIGEST)
    other = namespace.repository(OTHER)
    await push_blobs(other, b"{}")
    await other.manifests.put(CONTENT, "")
    with pytest.raises(BlobUnknown):
        await other.blobs.stat(DIGEST)


async def test_a_sha512_push_is_visible_by_both_names_and_its_alias_holds_the_canonical_digest(filled):
    manifests = await cold(filled)
    assert await filled.get(ALIAS) == DIGEST.encode() == await filled.get(LINK)
    assert (await manifests.get(LONG)).manifest.raw == CONTENT
    assert (await manifests.get(LONG)).digest == LONG
    assert (await manifests.get(DIGEST)).digest == DIGEST


@pytest.mark.parametrize("content", [b"", b"rubbish", Digest.of(b"other").encode(), LONG.encode()])
@pytest.mark.parametrize("path", [LINK, ALIAS])
async def test_a_broken_link_counts_as_missing_and_the_next_push_heals_it(filled, path, content):
    await filled.put(path, content)
    manifests = await cold(filled)
    reference = DIGEST if path == LINK else LONG
    with pytest.raises(ManifestUnknown):
        await manifests.get(reference)
    await manifests.put(CONTENT, "", digest=reference)
    assert (await manifests.get(reference)).manifest.raw == CONTENT
    assert await filled.get(LINK) == DIGEST.encode()


async def test_an_alias_to_the_bytes_of_something_else_is_never_served(filled):
    namespace = await start(filled)
    await push_image(namespace.repository(NAME), "other", config=b'{"other":1}')
    other = Digest.of(image(b'{"other":1}'))
    await filled.put(ALIAS, other.encode())
    manifests = await cold(filled)
    for _ in range(2):
        with pytest.raises(ManifestUnknown):
            await manifests.get(LONG)
    await manifests.put(CONTENT, "", digest=LONG)
    assert (await manifests.get(LONG)).manifest.raw == CONTENT


async def test_without_compare_and_swap_links_are_written_all_the_same(driver):
    namespace = await start(driver, swap=False)
    await push_image(namespace.repository(NAME), "latest", algorithm=Algorithm.SHA512)
    assert await driver.get(LINK) == DIGEST.encode() == await driver.get(ALIAS)
    assert (await (await cold(driver, swap=False)).get(LONG)).digest == LONG


async def test_a_manifest_that_was_just_pushed_is_known_to_the_cache(driver):
    namespace = await start(driver, membership=True)
    repository = namespace.repository(RepositoryName.parse("a"))
    await repository.blobs.put(b"{}", OCTET_STREAM)
    await repository.manifests.put(CONTENT, "")
    driver.calls.clear()
    await repository.manifests.get(DIGEST)
    assert driver.calls == []
