import pytest

from tests.support.pushes import push_blob, push_image, sha256, sha512
from tests.support.running import configuration, running
from tests.support.wire import head

SMALL = bytes(range(256)) * 8
LARGE = bytes(range(251)) * 1000  # above what is sent from memory


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def content(request):
    return request.param


@pytest.fixture
async def blob(wire, content):
    return f"/v2/a/blobs/{await push_blob(wire, 'a', content)}"


async def test_a_blob_comes_back_byte_for_byte(wire, blob, content):
    answer = await wire("GET", blob)
    digest = sha256(content)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.headers["ETag"] == f'"{digest}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"].startswith("max-age=31536000")


async def test_head_tells_the_length_and_sends_nothing(wire, blob, content):
    async with wire.connect() as connection:
        await connection.send(head("HEAD", blob), head("GET", "/v2/"))
        answer = await connection.answer("HEAD")
        assert (await connection.answer()).body == b"{}"
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(content)))
    assert answer.headers["Docker-Content-Digest"] == sha256(content)


async def test_no_answer_is_compressed(wire, blob, content):
    answer = await wire("GET", blob, ("Accept-Encoding", "gzip, deflate, br, zstd"))
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(content))


async def test_an_empty_blob_is_a_blob(wire):
    digest = await push_blob(wire, "a", b"")
    answer = await wire("GET", f"/v2/a/blobs/{digest}", ("Range", "bytes=0-10"))
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_an_unknown_blob_is_404_in_every_repository(wire, method):
    digest = await push_blob(wire, "other", b"x")
    for name in ["a", "not/there"]:
        answer = await wire(method, f"/v2/{name}/blobs/{digest}")
        assert answer.status == 404
        assert answer.body == b"" if method == "HEAD" else answer.codes == ["BLOB_UNKNOWN"]


async def test_a_manifests_digest_is_no_blob(wire):
    manifest = await push_image(wire, "a", "latest", b"layer")
    assert (await wire("HEAD", f"/v2/a/blobs/{sha256(manifest)}")).status == 404


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=500-1499", 500, 1500),
        ("bytes=500-", 500, None),
        ("bytes=-500", -500, None),
        ("bytes=1000-99999999", 1000, None),
        ("bytes=0-0", 0, 1),
    ],
)
async def test_a_range_is_206_with_just_these_bytes(wire, blob, content, header, start, stop):
    answer = await wire("GET", blob, ("Range", header))
    expected = content[start:stop]
    first = start % len(content)
    assert (answer.status, answer.body) == (206, expected)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(content)}"
    assert answer.headers["ETag"] == f'"{sha256(content)}"'


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=500-0", "bytes=-0"])
async def test_a_range_outside_is_416_with_the_length_of_its_error(wire, blob, content, header):
    async with wire.connect() as connection:
        await connection.send(head("GET", blob, ("Range", header)), head("GET", "/v2/"))
        answer = await connection.answer()
        assert (await connection.answer()).body == b"{}"  # so Content-Length was that of the error
    assert (answer.status, answer.codes) == (416, ["SIZE_INVALID"])
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("header", ["items=0-1", "bytes=x", "bytes"])
async def test_a_range_that_is_none_is_ignored(wire, blob, content, header):
    answer = await wire("GET", blob, ("Range", header))
    assert (answer.status, answer.body) == (200, content)


async def test_head_has_no_ranges(wire, blob, content):
    answer = await wire("HEAD", blob, ("Range", "bytes=0-1"))
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(content)))


async def test_several_ranges_are_parts(wire, blob, content):
    async with wire.connect() as connection:
        await connection.send(head("GET", blob, ("Range", "bytes=0-9,1000-1009,-5")), head("GET", "/v2/"))
        answer = await connection.answer()
        assert (await connection.answer()).body == b"{}"
    assert answer.status == 206
    kind, _, boundary = answer.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = answer.body.split(f"\r\n--{boundary}".encode())
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    seen = {}
    for part in parts[1:-1]:
        fields, _, body = part.partition(b"\r\n\r\n")
        assert b"Content-Type: application/octet-stream" in fields
        seen[fields.rpartition(b"Content-Range: ")[2].decode()] = body
    size = len(content)
    assert seen == {
        f"bytes 0-9/{size}": content[:10],
        f"bytes 1000-1009/{size}": content[1000:1010],
        f"bytes {size - 5}-{size - 1}/{size}": content[-5:],
    }


async def test_ranges_that_touch_are_one(wire, blob, content):
    answer = await wire("GET", blob, ("Range", "bytes=0-9,5-19,20-29"))
    assert (answer.status, answer.body) == (206, content[:30])


async def test_hundreds_of_ranges_are_refused(wire, blob):
    answer = await wire("GET", blob, ("Range", "bytes=" + ",".join(f"{n * 3}-{n * 3}" for n in range(300))))
    assert answer.status == 416


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', "*", "{}", '"x", "{}"'])
async def test_who_has_it_gets_304(wire, blob, content, form):
    answer = await wire("GET", blob, ("If-None-Match", form.format(sha256(content))))
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == f'"{sha256(content)}"'
    assert "Content-Length" not in answer.headers


async def test_304_is_for_what_exists_only(wire):
    digest = sha256(b"not there")
    answer = await wire("GET", f"/v2/a/blobs/{digest}", ("If-None-Match", f'"{digest}"'))
    assert answer.status == 404


async def test_if_match_and_if_range(wire, blob, content):
    etag = f'"{sha256(content)}"'
    assert (await wire("GET", blob, ("If-Match", '"other"'))).status == 412
    assert (await wire("GET", blob, ("If-Match", etag))).status == 200
    assert (await wire("GET", blob, ("If-Range", etag), ("Range", "bytes=0-4"))).status == 206
    assert (await wire("GET", blob, ("If-Range", '"other"'), ("Range", "bytes=0-4"))).status == 200


async def test_a_blob_pushed_by_sha512_is_answered_by_the_digest_that_was_asked_for(wire):
    content = b"by another name"
    pushed = await wire("POST", f"/v2/a/blobs/uploads/?digest={sha512(content)}", body=content)
    assert (pushed.status, pushed.headers["Docker-Content-Digest"]) == (201, sha512(content))
    for digest in [sha512(content), sha256(content)]:
        answer = await wire("GET", f"/v2/a/blobs/{digest}")
        assert (answer.body, answer.headers["Docker-Content-Digest"]) == (content, digest)


async def test_a_file_cut_short_on_disk_is_503_and_never_padded(tmp_path, content):
    async with running(configuration("filesystem", tmp_path)) as wire:
        digest = await push_blob(wire, "a", content)
        for path in tmp_path.rglob("data"):
            path.write_bytes(content[:-1])
        answer = await wire("GET", f"/v2/a/blobs/{digest}")
    assert (answer.status, answer.codes) == (503, ["UNAVAILABLE"])
    assert int(answer.headers["Retry-After"]) > 0
