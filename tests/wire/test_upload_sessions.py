import asyncio

import pytest

from tests.support.pushes import begin, sha256
from tests.support.running import Records, configuration, running
from tests.support.wire import head


async def patched(wire, location, content, *headers):
    answer = await wire("PATCH", location, *headers, body=content)
    assert answer.status == 202, answer
    return answer.location


async def test_the_status_tells_where_to_go_on(wire):
    location = await begin(wire, "a")
    for method in ["GET", "HEAD"]:
        answer = await wire(method, location)
        assert (answer.status, answer.headers["Range"]) == (204, "0-0")
        assert answer.headers["Docker-Upload-UUID"] in answer.location
    location = await patched(wire, location, b"abc")
    answer = await wire("GET", f"{location}&digest=rubbish&other=1")
    assert (answer.status, answer.headers["Range"]) == (204, "0-2")
    assert await patched(wire, answer.location, b"def")


async def test_an_old_location_still_tells_the_newest_status(wire):
    first = await begin(wire, "a")
    await patched(wire, first, b"abc")
    answer = await wire("GET", first)
    assert (answer.status, answer.headers["Range"]) == (204, "0-2")
    assert (await wire("PUT", f"{answer.location}&digest={sha256(b'abc')}", body=b"")).status == 201


@pytest.mark.parametrize("span", ["4-6", "0-2", "2-4", "1000000-1000002"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_out_of_order_is_416_with_the_place_to_go_on(wire, span, method):
    location = await patched(wire, await begin(wire, "a"), b"abc", ("Content-Range", "0-2"))
    target = location if method == "PATCH" else f"{location}&digest={sha256(b'abcxyz')}"
    answer = await wire(method, target, ("Content-Range", span), body=b"xyz")
    assert (answer.status, answer.codes, answer.headers["Range"]) == (416, ["BLOB_UPLOAD_INVALID"], "0-2")
    location = await patched(wire, answer.location, b"def", ("Content-Range", "3-5"))
    assert (await wire("PUT", f"{location}&digest={sha256(b'abcdef')}", body=b"")).status == 201


async def test_a_first_chunk_that_does_not_begin_at_zero_is_416(wire):
    location = await begin(wire, "a")
    answer = await wire("PATCH", location, ("Content-Range", "1-3"), body=b"abc")
    assert (answer.status, answer.headers["Range"]) == (416, "0-0")
    assert await patched(wire, answer.location, b"abc", ("Content-Range", "0-2"))


@pytest.mark.parametrize("span", ["", "x", "3-", "-5", "5-3", "bytes 3-5-7", "3-5-7", "0x3-5", "9" * 40 + "-1"])
async def test_a_malformed_content_range_is_400_and_the_session_lives_on(wire, span):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    answer = await wire("PATCH", location, ("Content-Range", span), body=b"def")
    assert (answer.status, answer.codes) == (400, ["BLOB_UPLOAD_INVALID"])
    assert (await wire("GET", location)).headers["Range"] == "0-2"
    assert (await wire("PATCH", location, ("Content-Range", "bytes 3-5/*"), body=b"def")).headers["Range"] == "0-5"


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize("span", ["3-7", "3-4"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_that_is_not_as_long_as_it_says_is_400_and_the_session_lives_on(wire, chunks, span, method):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    target = location if method == "PATCH" else f"{location}&digest={sha256(b'abcdef')}"
    answer = await wire(method, target, ("Content-Range", span), body=b"def", chunks=chunks)
    assert (answer.status, answer.codes) == (400, ["SIZE_INVALID"])
    status = await wire("GET", location)
    assert status.status == 204
    assert status.headers["Range"] in {"0-2", "0-5"}


async def test_a_patch_without_a_place_goes_on_where_its_location_stands(wire):
    first = await begin(wire, "a")
    second = await patched(wire, first, b"abc")
    lost = await wire("PATCH", first, body=b"xyz")
    assert (lost.status, lost.headers["Range"]) == (416, "0-2")
    assert await patched(wire, second, b"def")


async def test_of_two_patches_at_once_one_wins_and_nothing_is_spoilt(wire):
    for turn in range(10):
        location = await begin(wire, "a")
        bodies = [bytes([turn, n]) * 50_000 for n in range(4)]
        answers = await asyncio.gather(*(wire("PATCH", location, body=body) for body in bodies))
        assert sorted(answer.status for answer in answers) == [202, 416, 416, 416]
        winner = next(n for n, answer in enumerate(answers) if answer.status == 202)
        digest = sha256(bodies[winner])
        assert (await wire("PUT", f"{answers[winner].location}&digest={digest}", body=b"")).status == 201
        assert (await wire("GET", f"/v2/a/blobs/{digest}")).body == bodies[winner]


async def test_a_cancelled_session_is_gone(wire):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    assert (await wire("DELETE", location)).status == 204
    for method, target in [
        ("GET", location),
        ("HEAD", location),
        ("PATCH", location),
        ("DELETE", location),
        ("PUT", f"{location}&digest={sha256(b'abc')}"),
    ]:
        answer = await wire(method, target, body=b"" if method in {"PATCH", "PUT"} else None)
        assert answer.status == 404
        assert method == "HEAD" or answer.codes == ["BLOB_UPLOAD_UNKNOWN"]


async def test_a_finished_session_is_gone(wire):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    assert (await wire("PUT", f"{location}&digest={sha256(b'abc')}", body=b"")).status == 201
    assert (await wire("GET", location)).status == 404
    assert (await wire("PATCH", location, body=b"x")).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_a_session_that_we_did_not_name_is_unknown(wire, method):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    session_id = location.split("/")[5].split("?")[0]
    token = location.partition("_state=")[2]
    other = (await begin(wire, "b")).partition("_state=")[2]
    for target in [
        f"/v2/a/blobs/uploads/{session_id}",
        f"/v2/a/blobs/uploads/{session_id}?_state=",
        f"/v2/a/blobs/uploads/{session_id}?_state={token[:-2]}",
        f"/v2/a/blobs/uploads/{session_id}?_state=%00",
        f"/v2/a/blobs/uploads/{session_id}?_state={other}",
        f"/v2/a/blobs/uploads/other?_state={token}",
        f"/v2/b/blobs/uploads/{session_id}?_state={token}",
        "/v2/a/blobs/uploads/..%2f..%2fetc",
    ]:
        answer = await wire(method, f"{target}{'&' if '?' in target else '?'}digest={sha256(b'abc')}", body=b"x")
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    assert (await wire("GET", location)).headers["Range"] == "0-2"


async def test_a_session_survives_a_restart_of_the_server(tmp_path):
    config = configuration("filesystem", tmp_path)
    async with running(config) as wire:
        location = await patched(wire, await begin(wire, "a"), b"abc")
    async with running(config) as wire:
        assert (await wire("GET", location)).headers["Range"] == "0-2"
        location = await patched(wire, location, b"def")
    async with running(config) as wire:
        assert (await wire("PUT", f"{location}&digest={sha256(b'abcdef')}", body=b"")).status == 201
        assert (await wire("GET", f"/v2/a/blobs/{sha256(b'abcdef')}")).body == b"abcdef"


@pytest.mark.parametrize("came", [0, 3, 300_000])
async def test_after_a_patch_that_was_cut_off_the_status_tells_the_truth(config, came):
    content = bytes(range(256)) * 4000
    records = Records()
    async with running(config, records=records) as wire:
        location = await begin(wire, "a")
        records.came.clear()
        async with wire.connect() as connection:
            await connection.send(head("PATCH", location, ("Content-Length", str(len(content)))), content[:came])
            connection.writer.write_eof()
            await records.last()
        answer = await wire("GET", location)
        assert answer.status == 204
        offset = came and int(answer.headers["Range"].removeprefix("0-")) + 1
        assert 0 <= offset <= came
        span = ("Content-Range", f"{offset}-{len(content) - 1}")
        answer = await wire("PATCH", answer.location, span, body=content[offset:])
        assert answer.status == 202
        assert (await wire("PUT", f"{answer.location}&digest={sha256(content)}", body=b"")).status == 201


async def test_a_wrong_close_ends_the_session_and_a_right_one_then_is_404(wire):
    location = await patched(wire, await begin(wire, "a"), b"abc")
    assert (await wire("PUT", f"{location}&digest={sha256(b'x')}", body=b"")).status == 400
    for _ in range(2):
        answer = await wire("PUT", f"{location}&digest={sha256(b'abc')}", body=b"")
        assert (answer.status, answer.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])
