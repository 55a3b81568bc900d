import re

import pytest

from app.oci.digest import Digest
from app.oci.errors import NameUnknown, Problems
from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.rules import ManifestRules, ReferenceRule, UrlRules
from tests.support.domain import NAME, OTHER, Heard, push_blobs, push_image, start, tags_of
from tests.support.pushes import image


async def catalog(namespace, after=""):
    return [name async for name in namespace.catalog(after=after)]


async def test_the_catalog_lists_repositories_that_had_a_manifest_in_byte_order(driver):
    namespace = await start(driver)
    names = sorted(["a", "a-b", "a.b", "a/b", "a0", "b"])
    for name in reversed(names):
        await push_image(namespace.repository(RepositoryName.parse(name)), "latest")
    await push_blobs(namespace.repository(OTHER), b"only a layer")
    assert await catalog(namespace) == names
    for after in names:
        assert await catalog(namespace, after) == [name for name in names if name > after]


async def test_a_repository_stays_in_the_catalog_when_its_last_manifest_is_deleted(driver):
    namespace = await start(driver)
    stored = await push_image(namespace.repository(NAME), "latest")
    await namespace.repository(NAME).manifests.delete(stored.digest)
    assert await catalog(namespace) == [NAME]
    assert await tags_of(namespace.repository(NAME)) == []


async def test_a_catalog_page_costs_one_call(driver):
    namespace = await start(driver)
    await push_image(namespace.repository(NAME), "latest")
    driver.calls.clear()
    await catalog(namespace)
    assert [call.verb for call in driver.calls] == ["list"]


async def test_an_empty_registry_has_an_empty_catalog(driver):
    assert await catalog(await start(driver)) == []


async def test_what_the_go_registry_stored_is_served_and_listed(driver):
    content = image(b"{}")
    digest = Digest.of(content)
    await driver.put(layout.blob_data(digest), content)
    await driver.put(layout.link(layout.revisions(NAME), digest), digest.encode())
    await driver.put(f"{layout.tags(NAME)}/latest/current/link", digest.encode())
    await driver.put(f"{layout.tags(NAME)}/latest/index/sha256/{digest.hex}/link", digest.encode())
    namespace = await start(driver)
    assert await catalog(namespace) == [NAME]
    repository = namespace.repository(NAME)
    assert await tags_of(repository) == ["latest"]
    assert (await repository.manifests.get(digest)).manifest.raw == content


async def test_what_we_store_is_the_go_registrys_layout_to_the_byte(driver):
    stored = await push_image((await start(driver)).repository(NAME), "latest")
    files = {info.path: await driver.get(info.path) async for info in driver.walk(layout.ROOT)}
    config, digest = Digest.of(b"{}"), stored.digest
    root = "/docker/registry/v2"
    assert files == {
        f"{root}/blobs/sha256/{config.hex[:2]}/{config.hex}/data": b"{}",
        f"{root}/blobs/sha256/{digest.hex[:2]}/{digest.hex}/data": stored.manifest.raw,
        f"{root}/repositories/{NAME}/_layers/sha256/{config.hex}/link": config.encode(),
        f"{root}/repositories/{NAME}/_manifests/revisions/sha256/{digest.hex}/link": digest.encode(),
        f"{root}/repositories/{NAME}/_manifests/tags/latest/current/link": digest.encode(),
        f"{root}/repositories/{NAME}/_manifests/tags/latest/index/sha256/{digest.hex}/link": digest.encode(),
    }


async def test_a_repository_need_not_exist_and_costs_nothing(driver):
    namespace = await start(driver)
    driver.calls.clear()
    repository = namespace.repository(NAME)
    assert repository.name == NAME
    assert driver.calls == []
    with pytest.raises(NameUnknown):
        await tags_of(repository)


async def test_a_second_start_costs_two_calls_beside_opening_the_state(driver):
    await start(driver)
    driver.calls.clear()
    await start(driver)
    assert driver.writes == []
    assert [call.path for call in driver.calls][-2:] == [layout.REPOSITORY_INDEX_BUILT, layout.NOW]


async def test_who_pushed_a_layer_to_this_process_is_its_first_holder(driver):
    namespace = await start(driver)
    for name in ("a", "b", "c"):
        await push_image(namespace.repository(RepositoryName.parse(name)), "latest")
    digest = Digest.of(b"{}")
    assert [name async for name in namespace.holders(digest)] == ["c", "b", "a"]
    assert [name async for name in (await start(driver)).holders(digest)] == ["a", "b", "c"]
    assert [name async for name in namespace.holders(Digest.of(b"nobody's"))] == []


async def test_rules_hold_for_every_repository(driver):
    namespace = await start(driver)
    with pytest.raises(Problems):
        await namespace.repository(NAME).manifests.put(image(b"a", b"b"), "")
    lenient = ManifestRules(references=ReferenceRule.OPTIONAL, urls=UrlRules(allow=(re.compile("."),)))
    namespace = await start(driver, rules=lenient)
    for name in (NAME, OTHER):
        await namespace.repository(name).manifests.put(image(b"a", b"b"), "")


async def test_events_of_blobs_and_manifests_reach_the_sink(driver):
    heard = Heard()
    namespace = await start(driver, events=heard)
    await push_image(namespace.repository(NAME), "latest")
    assert [(event.action, event.subject) for event in heard.events] == [("push", "blob"), ("push", "manifest")]
