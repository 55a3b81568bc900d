"""Uploads that the real Go registry began, finished here at the same Location."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import images
from tests.support.goregistry import DEBIAN, V3
from tests.support.plainhttp import client, expect, with_digest
from tests.support.twins import STORES, twins

pytestmark = pytest.mark.e2e

MIB = 1 << 20
NAME = "team/part/app"
STREAM = {"Content-Type": "application/octet-stream"}
# What comes there, chunk by chunk: nothing; parts that are smaller than S3 allows; one that is; several parts; a short
# part that has to be joined by the next chunk, in the memory of the one and on the side of the other.
WAYS = {
    "nothing": [],
    "a-byte": [1],
    "small": [100_000],
    "small-chunks": [100_000, 200_000, 300_000],
    "one-part": [6 * MIB],
    "short-parts": [6 * MIB, 1 * MIB, 1 * MIB],
    "parts": [25 * MIB],
}


@pytest.fixture(params=[DEBIAN, pytest.param(V3, marks=pytest.mark.long)])
def program(request):
    return request.param


@pytest.fixture(params=STORES)
def pair(request, program, tmp_path):
    with twins(request.param, program, tmp_path) as pair:
        yield pair


def begin(registry):
    begun = registry.request("POST", f"/v2/{NAME}/blobs/uploads/", {"Content-Length": "0"})
    expect(begun, 202)
    return begun.headers["location"]


def patch(registry, location, start, content):
    headers = STREAM | {"Content-Range": f"{start}-{start + len(content) - 1}"}
    answer = registry.request("PATCH", location, headers, content)
    expect(answer, 202)
    return answer.headers["location"]


def pushed_in_part(registry, content, sizes):
    """Push the first bytes, and return where it goes on and at which byte."""
    location, at = begin(registry), 0
    for size in sizes:
        location = patch(registry, location, at, content[at : at + size])
        at += size
    return location, at


def path(location):
    return "/" + location.removeprefix("http://").partition("/")[2]


def stands(registry, location, offset):
    status = registry.request("GET", location)
    expect(status, 204)
    assert status.headers["range"] == f"0-{max(0, offset - 1)}"
    return status.headers["location"]


def is_there(registry, content):
    blob = registry.request("GET", f"/v2/{NAME}/blobs/{images.sha256(content)}")
    return (blob.status, blob.body) == (200, content)


def leftovers(pair):
    """What sessions have left: of an empty one the Go registry's date and hash stay until the purge."""
    return [
        file
        for file in (*pair.data.rglob("_uploads/*/*"), *(pair.data / "moorage/v1/state").glob("[up]*/*/*"))
        if file.is_file()
    ]


@pytest.mark.timeout(240)
def test_a_client_goes_on_here_where_it_was_there(pair):
    going = {}
    there = pair.go()
    for number, (way, sizes) in enumerate(WAYS.items()):
        for end in ("asks", "patches", "closes"):
            content = images.archive(300 + number, sum(sizes) + 50_000) + end.encode()
            going[way, end] = (content, *pushed_in_part(there, content, sizes))
    here = pair.moorage()
    for (way, end), (content, there_at, sent) in going.items():
        location, at = path(there_at), sent
        if end == "asks":
            location = stands(here, location, at)
            stands(here, location, at)
        if end in {"asks", "patches"}:
            location = patch(here, location, at, content[at : at + 20_000])
            at += 20_000
        closed = here.request("PUT", with_digest(location, images.sha256(content)), STREAM, content[at:])
        assert closed.status == 201, (way, end, closed)
        assert is_there(here, content), (way, end)
    assert {file.name for file in leftovers(pair)} <= {"startedat", "data", "0"}
    assert all(file.stat().st_size <= 108 for file in leftovers(pair))
    there = pair.go()
    assert all(is_there(there, content) for content, _, _ in going.values())


def test_the_location_of_there_stays_good_for_every_step(pair):
    content = images.archive(320, 7 * MIB)
    location, at = pushed_in_part(pair.go(), content, [6 * MIB])
    here = pair.moorage()
    old = path(location)
    stands(here, old, at)
    stands(here, old, at)  # it was adopted by the first
    newer = patch(here, old, at, content[at : at + 1000])
    stands(here, old, at + 1000)
    late = here.request("PATCH", old, STREAM, content[at:])  # it does not know of the 1000 bytes
    assert (late.status, late.headers["range"]) == (416, f"0-{at + 999}")
    assert here.request("PUT", with_digest(old, images.sha256(content)), STREAM, content[at:]).status == 416
    closing = with_digest(newer, images.sha256(content))
    expect(here.request("PUT", closing, STREAM, content[at + 1000 :]), 201)
    assert is_there(here, content)
    again = here.request("PUT", with_digest(old, images.sha256(content)), {"Content-Length": "0"})
    assert again.status == 201  # its answer may have been lost
    assert here.request("GET", old).status == 404


def test_a_client_that_missed_an_answer_is_told_what_came(pair):
    content = images.archive(321, 6 * MIB)
    there = pair.go()
    begun = begin(there)
    patch(there, begun, 0, content[: 5 * MIB + 1])
    here = pair.moorage()
    location = stands(here, path(begun), 5 * MIB + 1)
    expect(here.request("PUT", with_digest(location, images.sha256(content)), STREAM, content[5 * MIB + 1 :]), 201)
    assert is_there(here, content)


def test_two_processes_adopt_at_once_and_the_blob_is_whole(pair):
    contents = [images.archive(330 + number, (number % 3) * 5 * MIB + 100_000) for number in range(6)]
    there = pair.go()
    going = [pushed_in_part(there, content, [len(content) - 50_000]) for content in contents]
    addresses = [pair.replica(first=True), pair.replica()]

    def close(task):
        address, content, (location, at) = task
        with client(address) as here:
            here.request("GET", path(location))
            return here.request("PUT", with_digest(path(location), images.sha256(content)), STREAM, content[at:]).status

    tasks = [(address, *both) for both in zip(contents, going, strict=True) for address in addresses * 2]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(close, tasks))
    assert set(found) <= {201, 404, 416}
    for number, content in enumerate(contents):
        assert 201 in found[number * 4 : number * 4 + 4]
        with client(addresses[0]) as here:
            assert is_there(here, content)


def test_what_the_other_did_not_begin_here_is_unknown(pair):
    content = images.archive(340, 100_000)
    there = pair.go()
    location, at = pushed_in_part(there, content, [50_000])
    cancelled, _ = pushed_in_part(there, content, [50_000])
    expect(there.request("DELETE", cancelled), 204)
    given_up, _ = pushed_in_part(there, content, [50_000])
    here = pair.moorage()
    good, _, token = path(location).partition("?_state=")
    flipped = ("B" if token[0] == "A" else "A") + token[1:]
    other_name = good.replace(NAME, "team/other")
    for bad in (f"{good}?_state={flipped}", good, f"{other_name}?_state={token}", path(cancelled)):
        for method, query in (("GET", ""), ("PATCH", ""), ("PUT", f"&digest={images.sha256(content)}"), ("DELETE", "")):
            target = bad + query if "?" in bad else bad + query.replace("&", "?")
            answer = here.request(method, target, STREAM, content[at:] if method in {"PATCH", "PUT"} else None)
            assert (answer.status, answer.json()["errors"][0]["code"]) == (404, "BLOB_UPLOAD_UNKNOWN"), (method, bad)
    expect(here.request("DELETE", path(given_up)), 204)
    assert here.request("GET", path(given_up)).status == 404
    stands(here, path(location), at)
