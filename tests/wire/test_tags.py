import pytest

from app.config.model import Tags
from tests.support.pushes import push_image, push_manifest
from tests.support.running import changed, running

TAGS = ["1.0", "1.0-alpine", "1.0.1", "Z", "a", "a-b", "a.b", "a0", "a_b", "idx", "v2", "v2.1"]


@pytest.fixture
async def tagged(wire):
    manifest = await push_image(wire, "a", TAGS[-1], b"layer")
    for tag in reversed(TAGS[:-1]):
        await push_manifest(wire, "a", tag, manifest)
    return wire


async def test_tags_are_listed_in_byte_order(tagged):
    answer = await tagged("GET", "/v2/a/tags/list")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == {"name": "a", "tags": sorted(TAGS)}
    assert "Link" not in answer.headers
    assert (await tagged("HEAD", "/v2/a/tags/list")).status == 200


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 12, 13, 1000])
async def test_pages_of_every_size_are_the_whole_list(tagged, size):
    seen, target, pages = [], f"/v2/a/tags/list?n={size}", 0
    while target:
        answer = await tagged("GET", target)
        page = answer.json["tags"]
        link = answer.headers.get("Link")
        assert len(page) == size or not link
        assert link is None or link == f'</v2/a/tags/list?n={size}&last={page[-1]}>; rel="next"'
        seen += page
        target = link[1 : link.index(">")] if link else ""
        pages += 1
    assert seen == sorted(TAGS)
    assert pages == -(-len(TAGS) // size)


@pytest.mark.parametrize("last", [*TAGS, "", "0", "1.0-", "1.0.", "b", "zzz", "%00", "%ff"])
async def test_a_page_begins_strictly_after_last_which_need_not_exist(tagged, last):
    answer = await tagged("GET", f"/v2/a/tags/list?last={last}")
    if not last.startswith("%"):
        assert answer.json["tags"] == [tag for tag in sorted(TAGS) if tag > last]
    assert answer.status == 200
    assert (await tagged("GET", f"/v2/a/tags/list?last={last}&n=1")).json["tags"] == answer.json["tags"][:1]


async def test_no_tags_are_an_empty_list_and_no_link(tagged):
    answer = await tagged("GET", "/v2/a/tags/list?n=0")
    assert (answer.status, answer.json["tags"]) == (200, [])
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", ["-1", "x", "1e3", "%EF%BC%91", "1.5", "99999999999999999999", "1%00", "+"])
async def test_a_number_that_is_none_is_400(tagged, n):
    answer = await tagged("GET", f"/v2/a/tags/list?n={n}")
    assert (answer.status, answer.codes) == (400, ["PAGINATION_NUMBER_INVALID"])


@pytest.mark.parametrize("n", ["2147483648", "1000000000", ""])
async def test_a_huge_number_is_just_all_of_them(tagged, n):
    assert (await tagged("GET", f"/v2/a/tags/list?n={n}")).json["tags"] == sorted(TAGS)


@pytest.mark.parametrize("query", ["", "?n=1", "?n=0", "?last=x"])
async def test_a_repository_that_nobody_knows_is_404(wire, query):
    answer = await wire("GET", f"/v2/none/such/tags/list{query}")
    assert (answer.status, answer.codes) == (404, ["NAME_UNKNOWN"])


async def test_after_the_last_tag_went_the_list_is_empty_and_not_null(wire):
    await push_image(wire, "a", "only", b"layer")
    assert (await wire("DELETE", "/v2/a/manifests/only")).status == 202
    answer = await wire("GET", "/v2/a/tags/list")
    assert (answer.status, answer.json) == (200, {"name": "a", "tags": []})


async def test_a_page_limit_of_the_registry_clamps_and_links(config):
    async with running(changed(config, tags=Tags(maxtags=2))) as wire:
        manifest = await push_image(wire, "a", "1", b"layer")
        for tag in ["2", "3"]:
            await push_manifest(wire, "a", tag, manifest)
        for query in ["", "?n=3", "?n=1000000"]:
            answer = await wire("GET", f"/v2/a/tags/list{query}")
            assert answer.json["tags"] == ["1", "2"]
            assert answer.headers["Link"] == '</v2/a/tags/list?n=2&last=2>; rel="next"'


async def test_walking_pages_while_tags_come_and_go_loses_none_that_stayed(tagged):
    seen, last = [], ""
    for turn in range(100):
        answer = await tagged("GET", f"/v2/a/tags/list?n=2&last={last}")
        page = answer.json["tags"]
        seen += page
        if "Link" not in answer.headers:
            break
        last = page[-1]
        if last in {"a", "v2"}:
            assert (await tagged("DELETE", f"/v2/a/manifests/{last}")).status == 202
        await push_image(tagged, "a", f"0new{turn}", b"other")
    assert [tag for tag in seen if tag in TAGS] == sorted(TAGS)
