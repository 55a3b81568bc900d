import pytest

from app.config.model import Catalog
from tests.support.pushes import push_blob, push_image
from tests.support.running import changed, running

NAMES = ["a", "a-b", "a-b/c", "a.b", "a/b", "a/b/c", "a0", "b", "foo_bar", "foo__bar", "foo/aaaa"]


@pytest.fixture
async def filled(wire):
    for name in reversed(NAMES):
        await push_image(wire, name, "latest", b"layer")
    return wire


async def test_a_new_registry_has_no_repositories(wire):
    answer = await wire("GET", "/v2/_catalog")
    assert (answer.status, answer.json) == (200, {"repositories": []})


async def test_repositories_are_listed_in_byte_order(filled):
    answer = await filled("GET", "/v2/_catalog")
    assert answer.json == {"repositories": sorted(NAMES)}
    assert "Link" not in answer.headers


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11, 12])
async def test_pages_of_every_size_are_the_whole_list(filled, size):
    seen, target = [], f"/v2/_catalog?n={size}"
    while target:
        answer = await filled("GET", target)
        seen += answer.json["repositories"]
        link = answer.headers.get("Link")
        target = link[1 : link.index(">")] if link else ""
        assert len(answer.json["repositories"]) == size or not link
    assert seen == sorted(NAMES)


@pytest.mark.parametrize("last", [*NAMES, "0", "a-", "foo", "zzz", "a/b/", "A", "%00", "..", "%2f"])
async def test_a_page_begins_after_last_which_need_not_exist(filled, last):
    answer = await filled("GET", f"/v2/_catalog?last={last}")
    assert answer.status == 200
    if not last.startswith("%"):
        assert answer.json["repositories"] == [name for name in sorted(NAMES) if name > last]


async def test_the_limit_clamps_and_zero_is_empty(config):
    async with running(changed(config, catalog=Catalog(maxentries=2))) as wire:
        for name in ["a", "b", "c"]:
            await push_image(wire, name, "latest", b"layer")
        for query in ["", "?n=3", "?n=100000"]:
            answer = await wire("GET", f"/v2/_catalog{query}")
            assert answer.json["repositories"] == ["a", "b"]
            assert answer.headers["Link"] == '</v2/_catalog?n=2&last=b>; rel="next"'
        assert (await wire("GET", "/v2/_catalog?n=0")).json == {"repositories": []}
        assert (await wire("GET", "/v2/_catalog?n=-1")).codes == ["PAGINATION_NUMBER_INVALID"]
        assert (await wire("GET", "/v2/_catalog?n=x")).status == 400


async def test_a_repository_with_nothing_but_blobs_is_not_listed(wire):
    await push_blob(wire, "blobs/only", b"x")
    assert (await wire("GET", "/v2/_catalog")).json == {"repositories": []}
