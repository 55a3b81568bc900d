import gzip
import uuid

import pytest

from tests.support.pushes import begin, push_blob, sha256, sha512
from tests.support.wire import chunked, head

CONTENT = bytes(range(256)) * 5000  # over a batch


@pytest.mark.parametrize("content", [CONTENT, b"{}", b""], ids=["large", "braces", "empty"])
@pytest.mark.parametrize("digest_of", [sha256, sha512])
@pytest.mark.parametrize(
    "way", ["post", "put", "chunked put", "patch", "streamed patch", "chunks", "last chunk in put"]
)
async def test_every_way_to_push_a_blob(wire, content, digest_of, way):
    digest = digest_of(content)
    half = len(content) // 2
    if way == "post":
        answer = await wire("POST", f"/v2/a/blobs/uploads/?digest={digest}", body=content)
    else:
        location = await begin(wire, "a")
        if way in {"patch", "streamed patch"}:
            patch = await wire("PATCH", location, body=content, chunks=way != "patch")
            assert (patch.status, patch.headers["Range"]) == (202, f"0-{max(0, len(content) - 1)}")
            location = patch.location
        elif way in {"chunks", "last chunk in put"} and content:
            patch = await wire("PATCH", location, ("Content-Range", f"0-{half - 1}"), body=content[:half])
            assert (patch.status, patch.headers["Range"]) == (202, f"0-{half - 1}")
            location = patch.location
            if way == "chunks":
                patch = await wire(
                    "PATCH", location, ("Content-Range", f"{half}-{len(content) - 1}"), body=content[half:]
                )
                assert patch.status == 202
                location = patch.location
        if way in {"put", "chunked put"}:
            answer = await wire("PUT", f"{location}&digest={digest}", body=content, chunks=way == "chunked put")
        elif way == "last chunk in put" and content:
            span = ("Content-Range", f"{half}-{len(content) - 1}")
            answer = await wire("PUT", f"{location}&digest={digest}", span, body=content[half:])
        else:
            answer = await wire("PUT", f"{location}&digest={digest}", body=b"")
    assert answer.status == 201, answer
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.headers["Content-Length"] == "0"
    pulled = await wire("GET", answer.location)
    assert (pulled.status, pulled.body) == (200, content)
    assert pulled.headers["Docker-Content-Digest"] == digest


async def test_an_upload_begins_with_a_place_and_a_name(wire):
    answer = await wire("POST", "/v2/a/b/blobs/uploads/", body=b"")
    assert (answer.status, answer.headers["Range"], answer.headers["Content-Length"]) == (202, "0-0", "0")
    session_id = answer.headers["Docker-Upload-UUID"]
    uuid.UUID(session_id)
    assert answer.location.startswith(f"/v2/a/b/blobs/uploads/{session_id}?")
    assert "OCI-Chunk-Min-Length" not in answer.headers


async def test_the_digest_may_come_percent_encoded(wire):
    location = await begin(wire, "a")
    answer = await wire("PUT", f"{location}&digest={sha256(b'x').replace(':', '%3A')}", body=b"x")
    assert answer.status == 201


@pytest.mark.parametrize(
    "digest", ["", "sha256:short", "sha257:" + "0" * 64, sha256(b"x").upper(), "x", "md5:" + "0" * 32]
)
async def test_a_digest_that_is_none_is_400_on_every_push(wire, digest):
    location = await begin(wire, "a")
    for answer in [
        await wire("PUT", f"{location}&digest={digest}", body=b"x"),
        await wire("POST", f"/v2/a/blobs/uploads/?digest={digest}", body=b"x"),
        await wire("POST", f"/v2/a/blobs/uploads/?mount={digest}&from=b", body=b""),
    ]:
        assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


async def test_a_close_without_a_digest_is_400_and_the_session_lives_on(wire):
    location = (await wire("PATCH", await begin(wire, "a"), body=b"x")).location
    assert (await wire("PUT", location, body=b"")).codes == ["DIGEST_INVALID"]
    assert (await wire("PUT", f"{location}&digest={sha256(b'x')}", body=b"")).status == 201


@pytest.mark.parametrize("way", ["post", "put", "patch"])
async def test_content_of_another_digest_is_400_and_leaves_nothing(wire, way, driver, tmp_path):
    wrong = sha256(b"something else")
    if way == "post":
        answer = await wire("POST", f"/v2/a/blobs/uploads/?digest={wrong}", body=CONTENT)
    else:
        location = await begin(wire, "a")
        if way == "patch":
            location = (await wire("PATCH", location, body=CONTENT)).location
        answer = await wire("PUT", f"{location}&digest={wrong}", body=b"" if way == "patch" else CONTENT)
        if way == "patch":
            assert (await wire("GET", location)).codes == ["BLOB_UPLOAD_UNKNOWN"]
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
    for digest in [wrong, sha256(CONTENT)]:
        assert (await wire("HEAD", f"/v2/a/blobs/{digest}")).status == 404
    if driver == "filesystem":
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 100_000]


async def test_the_same_blob_again_is_201_again(wire):
    for name in ["a", "a", "b"]:
        await push_blob(wire, name, b"same")


async def test_an_algorithm_may_be_announced(wire):
    answer = await wire("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", body=b"")
    assert answer.status == 202
    location = (await wire("PATCH", answer.location, body=b"abc")).location
    assert (await wire("PUT", f"{location}&digest={sha512(b'abc')}", body=b"")).status == 201
    for algorithm in ["md5", "blake3", "SHA512", "x" * 5000]:
        refused = await wire("POST", f"/v2/a/blobs/uploads/?digest-algorithm={algorithm}", body=b"")
        assert (refused.status, refused.codes) == (400, ["DIGEST_INVALID"])


async def test_an_algorithm_that_was_announced_may_be_changed(wire):
    answer = await wire("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", body=b"")
    location = (await wire("PATCH", answer.location, body=b"abc")).location
    assert (await wire("PUT", f"{location}&digest={sha256(b'abc')}", body=b"")).status == 201


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""]
)
async def test_the_bytes_are_the_blob_whatever_type_is_declared(wire, kind):
    content = b"digest=sha256%3Aforged&_state=x&mount=y"
    location = await begin(wire, "a")
    location = (await wire("PATCH", location, ("Content-Type", kind), body=content)).location
    answer = await wire("PUT", f"{location}&digest={sha256(content)}", ("Content-Type", kind), body=b"")
    assert answer.status == 201
    answer = await wire(
        "PUT", f"{await begin(wire, 'b')}&digest={sha256(content)}", ("Content-Type", kind), body=content
    )
    assert answer.status == 201


async def test_compressed_bodies_are_stored_as_they_were_sent(wire):
    content = gzip.compress(b"inflate me" * 100)
    digest = sha256(content)
    answer = await wire("POST", f"/v2/a/blobs/uploads/?digest={digest}", ("Content-Encoding", "gzip"), body=content)
    assert answer.status == 201
    assert (await wire("GET", f"/v2/a/blobs/{digest}")).body == content


async def test_a_body_shorter_than_its_length_is_never_committed(wire):
    content = b"the beginning"
    digest = sha256(content)
    location = await begin(wire, "a")
    for target in [f"{location}&digest={digest}", f"/v2/a/blobs/uploads/?digest={digest}"]:
        method = "POST" if target.startswith("/v2/a/blobs/uploads/?") else "PUT"
        async with wire.connect() as connection:
            await connection.send(head(method, target, ("Content-Length", str(len(content) + 1))), content)
            connection.writer.write_eof()
            await connection.rest()
    async with wire.connect() as connection:
        await connection.send(
            head("PUT", f"{location}&digest={digest}", ("Transfer-Encoding", "chunked")), chunked(content)[:-5]
        )
        connection.writer.write_eof()
        await connection.rest()
    assert (await wire("HEAD", f"/v2/a/blobs/{digest}")).status == 404


async def test_a_body_of_broken_chunks_is_400_and_commits_nothing(wire):
    location = await begin(wire, "a")
    async with wire.connect() as connection:
        target = f"{location}&digest={sha256(b'abc')}"
        await connection.send(head("PUT", target, ("Transfer-Encoding", "chunked")), b"3\r\nabc\r\nXYZ\r\n")
        assert (await connection.rest())[8:13] == b" 400 "
    assert (await wire("HEAD", f"/v2/a/blobs/{sha256(b'abc')}")).status == 404


async def test_thousands_of_tiny_chunks_are_one_body(wire):
    content = b"x" * 20_000
    location = await begin(wire, "a")
    async with wire.connect() as connection:
        await connection.send(
            head("PATCH", location, ("Transfer-Encoding", "chunked")), chunked(*[b"x"] * len(content))
        )
        answer = await connection.answer()
    assert (answer.status, answer.headers["Range"]) == (202, "0-19999")
    assert (await wire("PUT", f"{answer.location}&digest={sha256(content)}", body=b"")).status == 201


async def test_a_client_that_waits_is_told_to_go_on_only_where_its_body_is_wanted(wire):
    expects = ("Expect", "100-continue")
    location = await begin(wire, "a")
    async with wire.connect() as connection:
        await connection.send(head("PATCH", location, expects, ("Content-Length", "3")))
        assert (await connection.head())[0] == 100
        await connection.send(b"abc")
        assert (await connection.answer()).status == 202
    for method, target, status in [
        ("PATCH", "/v2/a/blobs/uploads/unknown", 404),
        ("PUT", "/v2/a/manifests/.bad", 400),
        ("DELETE", "/v2/", 405),
    ]:
        async with wire.connect() as connection:
            await connection.send(head(method, target, expects, ("Content-Length", "1000000000")))
            answer = await connection.answer()
            assert (answer.status, answer.headers["Connection"]) == (status, "close")
            assert await connection.rest() == b""
