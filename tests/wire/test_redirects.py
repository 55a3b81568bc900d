"""Blobs that clients fetch from the backend themselves."""

from urllib.parse import urlsplit

import pytest

from app.config.model import Choice, Moorage, Redirect, Redirects
from tests.support.buckets import read_the_sdks_files_once, section
from tests.support.pushes import push_blob, push_image
from tests.support.running import changed, configuration, running
from tests.support.wire import Wire

LARGE = b"l" * 70_000
SMALL = b"s" * 65_536


@pytest.fixture
def config(_store, tmp_path, monkeypatch):
    read_the_sdks_files_once(monkeypatch)
    return configuration("s3", tmp_path, bucket=section(_store, rootdirectory=tmp_path.name))


async def test_a_large_blob_is_answered_with_an_address_that_has_its_bytes(wire):
    digest = await push_blob(wire, "a", LARGE)
    answer = await wire("GET", f"/v2/a/blobs/{digest}")
    assert (answer.status, answer.body) == (307, b"")
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    location = urlsplit(answer.headers["Location"])
    backend, target = Wire(location.hostname, location.port), f"{location.path}?{location.query}"
    assert (await backend("GET", target, ("Host", location.netloc))).body == LARGE
    part = await backend("GET", target, ("Host", location.netloc), ("Range", "bytes=5-9"))
    assert (part.status, part.body) == (206, b"lllll")


async def test_the_same_address_is_given_again_so_that_clients_can_cache_it(wire):
    digest = await push_blob(wire, "a", LARGE)
    addresses = {(await wire("GET", f"/v2/a/blobs/{digest}")).headers["Location"] for _ in range(3)}
    assert len(addresses) == 1


async def test_head_small_blobs_and_conditions_are_answered_here(wire):
    large, small = await push_blob(wire, "a", LARGE), await push_blob(wire, "a", SMALL)
    assert (await wire("HEAD", f"/v2/a/blobs/{large}")).status == 200
    assert (await wire("GET", f"/v2/a/blobs/{small}")).body == SMALL
    tag = f'"{large}"'
    for header, value, status in [
        ("If-None-Match", tag, 304),
        ("If-None-Match", '"other"', 307),
        ("If-Match", tag, 200),
        ("If-Match", '"other"', 412),
        ("Range", "bytes=90000-", 416),
        ("Range", "bytes=0-9", 307),
    ]:
        assert (await wire("GET", f"/v2/a/blobs/{large}", (header, value))).status == status, (header, value)


async def test_a_blob_that_is_not_visible_here_has_no_address(wire):
    digest = await push_blob(wire, "a", LARGE)
    assert (await wire("GET", f"/v2/b/blobs/{digest}")).status == 404


async def test_manifests_are_never_sent_elsewhere(wire):
    big = {"annotations": {"note": "n" * 100_000}}
    manifest = await push_image(wire, "a", "latest", **big)
    assert (await wire("GET", "/v2/a/manifests/latest")).body == manifest


async def test_nobody_is_sent_elsewhere_when_redirects_are_off(config):
    storage = changed(config.storage, redirect=Redirect(disable=True))
    async with running(changed(config, storage=storage)) as wire:
        digest = await push_blob(wire, "a", LARGE)
        assert (await wire("GET", f"/v2/a/blobs/{digest}")).body == LARGE
        answer = await wire("GET", f"/v2/a/blobs/{digest}", ("Range", "bytes=0-9,60000-60009"))
        assert (answer.status, answer.body.count(b"llllllllll")) == (206, 2)


async def test_who_is_sent_elsewhere_is_chosen_for_each_request(config):
    rules = Redirects(
        threshold=10,
        ranges=False,
        clients=Choice(allow=("127.0.0.0/8",), deny=("127.9.0.0/16",)),
        useragents=Choice(deny=("^wget",)),
    )
    async with running(changed(config, moorage=Moorage(redirect=rules))) as wire:
        digest = await push_blob(wire, "a", b"more than ten bytes")
        for headers, status in [
            ((), 307),
            ((("Range", "bytes=0-3"),), 206),
            ((("User-Agent", "wget/1.2"),), 200),
            ((("X-Forwarded-For", "127.9.1.1"),), 200),
            ((("X-Forwarded-For", "192.0.2.1"),), 200),
        ]:
            assert (await wire("GET", f"/v2/a/blobs/{digest}", *headers)).status == status, headers


async def test_clients_are_sent_to_the_public_address_where_the_bucket_has_one(config):
    bucket = changed(config.storage.s3, redirectendpoint="https://blobs.example.com")
    async with running(changed(config, storage=changed(config.storage, s3=bucket))) as wire:
        digest = await push_blob(wire, "a", LARGE)
        location = urlsplit((await wire("GET", f"/v2/a/blobs/{digest}")).headers["Location"])
    assert (location.scheme, location.hostname) == ("https", "blobs.example.com")
