import asyncio
import re

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import (
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    Problems,
    SizeInvalid,
    Unavailable,
)
from app.oci.mediatype import OCI_IMAGE, OCI_INDEX
from app.oci.reference import Tag
from app.registry import layout
from app.registry.rules import ManifestRules, PlatformRule, ReferenceRule, UrlRules
from tests.support.domain import NAME, OTHER, push_blobs, push_image, set_collector, start, tags_of
from tests.support.pushes import LAYER_TYPE, descriptor, image, index, sha256

LATEST = Tag.parse("latest")
CONTENT = image(b"{}", b"layer")
DIGEST = Digest.of(CONTENT)
LONG = Digest.of(CONTENT, Algorithm.SHA512)


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
