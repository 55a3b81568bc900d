"""How many requests to the store each operation costs, counted on the wire: the ceilings are what the design promises.

The cache is in memory. A warm one that also remembers what may be seen is what a shared cache makes of a bucket with many
processes; until there is one, `serve` reads the link each time, which is the figure called unshared.
"""

import pytest

from app.oci.mediatype import OCI_IMAGE
from cache.memory import MemoryCache
from tests.support.buckets import read_the_sdks_files_once, section
from tests.support.pushes import begin, image, push_blob, push_image, push_manifest, sha256
from tests.support.running import configuration, running
from tests.support.s3proxy import proxied

MIB = 1 << 20
CHUNK = 10 * MIB
LARGE = b"l" * 100_000
SIZES = [0, 1, 100_000, 12 * MIB, 16 * MIB]
MANY = [17 * MIB, 25 * MIB]


@pytest.fixture
async def counting(_store):
    async with proxied(_store) as proxy:
        yield proxy


@pytest.fixture
def requests(counting):
    return counting


@pytest.fixture
def config(counting, tmp_path, monkeypatch):
    read_the_sdks_files_once(monkeypatch)
    return configuration("s3", tmp_path, bucket=section(counting.store, rootdirectory=tmp_path.name))


@pytest.fixture
def membership(monkeypatch):
    monkeypatch.setattr("app.main._cache", lambda _: MemoryCache(entries=1000, membership=True))


@pytest.fixture
async def warm(membership, config):
    """A process whose cache remembers what may be seen."""
    async with running(config) as server:
        yield server


@pytest.fixture
async def wire(config):
    async with running(config) as server:
        yield server


@pytest.fixture
def cold(config):
    """Another process on the same bucket, which knows nothing yet."""
    return lambda: running(config)


@pytest.mark.parametrize(("method", "status"), [("GET", 307), ("HEAD", 200)])
async def test_a_blob_costs_two_requests_cold_and_none_warm(warm, cold, requests, method, status):
    digest = await push_blob(warm, "a", LARGE)
    requests.taken()
    assert (await warm(method, f"/v2/a/blobs/{digest}")).status == status
    assert requests.taken() == []
    async with cold() as other:
        requests.taken()
        assert (await other(method, f"/v2/a/blobs/{digest}")).status == status
        assert len(requests.taken()) == 2


@pytest.mark.parametrize(("method", "status"), [("GET", 307), ("HEAD", 200)])
async def test_a_blob_costs_its_link_where_no_cache_is_shared(wire, requests, method, status):
    digest = await push_blob(wire, "a", LARGE)
    requests.taken()
    assert (await wire(method, f"/v2/a/blobs/{digest}")).status == status
    assert requests.taken() == ["GetObject"]


async def test_a_blob_that_is_not_modified_costs_nothing_warm(warm, requests):
    digest = await push_blob(warm, "a", LARGE)
    requests.taken()
    assert (await warm("GET", f"/v2/a/blobs/{digest}", ("If-None-Match", f'"{digest}"'))).status == 304
    assert requests.taken() == []


@pytest.mark.parametrize("headers", [(), (("Range", "bytes=5-9"),)])
async def test_a_blob_through_the_registry_costs_one_request_warm(warm, requests, headers):
    digest = await push_blob(warm, "a", LARGE)
    small = await push_blob(warm, "a", b"small")
    requests.taken()
    assert (await warm("GET", f"/v2/a/blobs/{digest}", *headers, ("If-Match", f'"{digest}"'))).status in {200, 206}
    assert requests.taken() == ["GetObject"]
    assert (await warm("GET", f"/v2/a/blobs/{small}")).body == b"small"
    assert len(requests.taken()) == 1


async def test_a_blob_that_is_not_there_costs_two_requests(wire, requests):
    requests.taken()
    assert (await wire("HEAD", f"/v2/a/blobs/{sha256(b'none')}")).status == 404
    assert len(requests.taken()) == 2


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize("size", SIZES)
async def test_a_new_blob_in_post_and_put_costs_its_bytes_and_its_link(wire, requests, size, chunks):
    found = await _post_put(wire, requests, bytes(size), chunks=chunks)
    assert found == ["PutObject", "PutObject"]  # the bytes, the link


@pytest.mark.parametrize("size", MANY)
async def test_a_new_blob_of_n_parts_in_post_and_put_costs_three_requests_and_n(wire, requests, size):
    parts = -(-size // CHUNK)
    found = await _post_put(wire, requests, bytes(size))
    assert found.count("UploadPart") == parts
    assert len(found) <= 3 + parts


@pytest.mark.parametrize("size", SIZES[1:])
async def test_a_new_blob_as_docker_pushes_it_costs_four_requests_and_five_elsewhere(wire, cold, requests, size):
    here, elsewhere = await _post_patch_put(wire, cold, requests, bytes(size))
    assert here == ["PutObject", "PutObject", "PutObject", "DeleteObject"]  # record, bytes, link, the record's removal
    assert len(elsewhere) == 5


@pytest.mark.parametrize("size", MANY)
async def test_a_new_blob_of_n_parts_as_docker_pushes_it_costs_six_requests_and_n(wire, cold, requests, size):
    here, elsewhere = await _post_patch_put(wire, cold, requests, bytes(size))
    parts = here.count("UploadPart")
    assert parts <= -(-size // CHUNK)
    assert len(here) <= 6 + parts
    assert len(elsewhere) <= 7 + parts


async def test_a_mount_costs_one_request_warm_and_three_cold(warm, cold, requests):
    digest = await push_blob(warm, "a", LARGE)
    requests.taken()
    assert (await warm("POST", f"/v2/b/blobs/uploads/?mount={digest}&from=a", body=b"")).status == 201
    assert len(requests.taken()) == 1
    async with cold() as other:
        requests.taken()
        assert (await other("POST", f"/v2/c/blobs/uploads/?mount={digest}&from=a", body=b"")).status == 201
        assert len(requests.taken()) == 3


async def test_a_manifest_by_tag_costs_one_request_warm_and_three_cold(warm, cold, requests):
    await push_image(warm, "a", "latest", LARGE)
    requests.taken()
    assert (await warm("GET", "/v2/a/manifests/latest")).status == 200
    assert requests.taken() == ["GetObject"]
    async with cold() as other:
        requests.taken()
        assert (await other("GET", "/v2/a/manifests/latest")).status == 200
        assert len(requests.taken()) == 3


async def test_a_manifest_by_digest_costs_nothing_warm_and_two_requests_cold(warm, cold, requests):
    digest = sha256(await push_image(warm, "a", "latest", LARGE))
    requests.taken()
    assert (await warm("GET", f"/v2/a/manifests/{digest}")).status == 200
    assert requests.taken() == []
    async with cold() as other:
        requests.taken()
        assert (await other("GET", f"/v2/a/manifests/{digest}")).status == 200
        assert len(requests.taken()) == 2


async def test_a_manifest_put_by_tag_costs_four_writes_and_the_state(warm, requests):
    await push_image(warm, "a", "first", LARGE)
    requests.taken()
    await push_manifest(warm, "a", "second", image(b"{}", LARGE, annotations={"a": "b"}))
    assert requests.taken() == [
        "PutObject",  # the bytes
        "PutObject",  # the link
        "GetObject",  # the state
        "PutObject",  # the tag
        "PutObject",  # its history
    ]


async def test_pages_of_tags_and_of_the_catalog_cost_one_request(wire, requests):
    for tag in ("1.0", "1.0-alpine", "1.0.1", "latest"):
        await push_image(wire, "a", tag, LARGE)
    requests.taken()
    for path in ("/v2/a/tags/list", "/v2/a/tags/list?n=2", "/v2/a/tags/list?last=1.0&n=1", "/v2/_catalog"):
        assert (await wire("GET", path)).status == 200
        assert requests.taken() == ["ListObjects"], path


async def test_referrers_cost_one_listing_and_what_is_not_known_of_each(warm, cold, requests):
    subject = await push_image(warm, "a", "latest", LARGE)
    named = {"mediaType": OCI_IMAGE, "size": len(subject), "digest": sha256(subject)}
    for number in range(3):
        manifest = image(b"{}", LARGE, subject=named, annotations={"number": str(number)})
        await push_manifest(warm, "a", sha256(manifest), manifest)
    path = f"/v2/a/referrers/{sha256(subject)}"
    await warm("GET", path)
    requests.taken()
    assert len((await warm("GET", path)).json["manifests"]) == 3
    assert requests.taken() == ["ListObjects"]
    async with cold() as other:
        requests.taken()
        assert len((await other("GET", path)).json["manifests"]) == 3
        found = requests.taken()
    # The tag that older clients list them under, and of each its link and its entry.
    assert len(found) == 2 + 3 * 2
    assert found.count("ListObjects") == 1


async def _post_put(wire, requests, content, *, chunks=False):
    requests.taken()
    location = await begin(wire, "a")
    assert (await wire("PUT", f"{location}&digest={sha256(content)}", body=content, chunks=chunks)).status == 201
    return requests.taken()


async def _post_patch_put(wire, cold, requests, content):
    requests.taken()
    location = await begin(wire, "a")
    location = (await wire("PATCH", location, body=content, chunks=True)).location
    assert (await wire("PUT", f"{location}&digest={sha256(content)}", body=b"")).status == 201
    here = requests.taken()
    location = await begin(wire, "b")
    location = (await wire("PATCH", location, body=content, chunks=True)).location
    elsewhere = requests.taken()
    async with cold() as other:
        requests.taken()
        assert (await other("PUT", f"{location}&digest={sha256(content)}", body=b"")).status == 201
        return here, elsewhere + requests.taken()
