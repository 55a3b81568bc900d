import pytest

from tests.support.pushes import image, push_image, sha256
from tests.support.running import configuration, running


async def locations(wire, *headers):
    """The Location of a begun upload, of a pushed blob and of a pushed manifest."""
    post = await wire("POST", f"{wire.prefix}/v2/a/blobs/uploads/", *headers, body=b"")
    target = post.headers["Location"]
    path = target[target.index("/v2/") :]
    blob = await wire("PUT", f"{wire.prefix}{path}&digest={sha256(b'{}')}", *headers, body=b"{}")
    return post.headers["Location"], blob.headers["Location"]


@pytest.mark.parametrize(
    ("http", "headers", "base"),
    [
        ({}, [], "http://registry.test"),
        ({}, [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "out:8443, in")], "https://out:8443"),
        ({}, [("Forwarded", 'proto=https;host="out:99", host=other')], "https://out:99"),
        ({}, [("X-Forwarded-Host", "evil/x?")], ""),
        ({"relativeurls": True}, [("X-Forwarded-Host", "out")], ""),
        ({"host": "https://r.example.com"}, [("X-Forwarded-Host", "out")], "https://r.example.com"),
        ({"host": "https://r.example.com", "relativeurls": True}, [], "https://r.example.com"),
        ({"prefix": "/sub/path/"}, [], "http://registry.test/sub/path"),
        ({"prefix": "/sub", "host": "https://r.example.com"}, [], "https://r.example.com/sub"),
    ],
)
async def test_locations_begin_with_what_clients_know_us_by(tmp_path, http, headers, base):
    async with running(configuration("inmemory", tmp_path, **http)) as wire:
        wire.prefix = http.get("prefix", "").rstrip("/")
        upload, blob = await locations(wire, *headers)
    assert upload.startswith(f"{base}/v2/a/blobs/uploads/")
    assert blob == f"{base}/v2/a/blobs/{sha256(b'{}')}"


async def test_a_prefix_shifts_links_too_and_hides_what_is_outside(tmp_path):
    async with running(configuration("inmemory", tmp_path, prefix="/sub/")) as wire:
        assert (await wire("GET", "/v2/")).status == 404
        assert (await wire("GET", "/")).status == 200
        assert (await wire("GET", "/sub/v2/")).status == 200
        post = await wire("POST", f"/sub/v2/a/blobs/uploads/?digest={sha256(b'{}')}", body=b"{}")
        assert post.status == 201
        for tag in ["1", "2"]:
            put = await wire("PUT", f"/sub/v2/a/manifests/{tag}", body=image())
            assert put.status == 201
        link = (await wire("GET", "/sub/v2/a/tags/list?n=1")).headers["Link"]
        assert link == '</sub/v2/a/tags/list?n=1&last=1>; rel="next"'
        assert (await wire("GET", link[1 : link.index(">")])).json["tags"] == ["2"]


async def test_a_manifests_location_can_be_pulled(wire):
    manifest = await push_image(wire, "a", "v1", b"layer")
    answer = await wire("PUT", "/v2/a/manifests/v1", body=manifest)
    assert (await wire("GET", answer.location)).body == manifest
