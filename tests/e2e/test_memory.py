"""What a server holds in memory: idle, with a blob much larger than it, and with many uploads at once."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import itertools
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.buckets import tree
from tests.support.plainhttp import client, expect, with_digest
from tests.support.programs import moorage
from tests.support.s3stores import versitygw

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

MIB = 1 << 20


LARGE = 256  # MiB of each of sixteen uploads


@pytest.fixture
def fresh(tmp_path):
    with moorage(tmp_path / "registry") as server:
        yield server


def tell(capsys, sentence):
    with capsys.disabled():
        sys.stdout.write(f"\n{sentence}\n")


def test_an_idle_server_holds_less_than_80_mib(fresh, capsys):
    with client(fresh.address) as connection:
        expect(connection.request("GET", "/v2/"), 200)
    held = fresh.memory("VmRSS") / 1024
    tell(capsys, f"idle: {held:.0f} MiB")
    assert held < 80


def test_a_blob_of_5_gib_goes_in_by_one_patch_and_comes_out(fresh, capsys):
    block = random.Random(80).randbytes(MIB)
    expected = hashlib.sha256()

    def body():
        for number in range(5 * 1024):
            piece = number.to_bytes(8, "big") + block[8:]
            expected.update(piece)
            yield piece

    with client(fresh.address, seconds=600) as connection:
        begun = connection.request("POST", "/v2/large/blobs/uploads/", {"Content-Length": "0"})
        patched = connection.request("PATCH", begun.headers["location"], body=body())
        expect(patched, 202)
        digest = f"sha256:{expected.hexdigest()}"
        closing = with_digest(patched.headers["location"], digest)
        expect(connection.request("PUT", closing, {"Content-Length": "0"}), 201)
    received = hashlib.sha256()
    connection = http.client.HTTPConnection(fresh.address, timeout=600)
    connection.request("GET", f"/v2/large/blobs/{digest}")
    response = connection.getresponse()
    assert int(response.headers["Content-Length"]) == 5 * 1024 * MIB
    while piece := response.read(MIB):
        received.update(piece)
    connection.close()
    assert f"sha256:{received.hexdigest()}" == digest
    peak = fresh.memory("VmHWM") / 1024
    tell(capsys, f"5 GiB in and out: peak {peak:.0f} MiB")
    assert peak < 150


def test_200_uploads_of_16_mib_at_once_stay_below_300_mib(fresh, capsys):
    block = random.Random(81).randbytes(16 * MIB - 8)

    def upload(number):
        content = [number.to_bytes(8, "big"), *(block[start : start + MIB] for start in range(0, len(block), MIB))]
        with client(fresh.address, seconds=600) as connection:
            begun = connection.request("POST", "/v2/many/blobs/uploads/", {"Content-Length": "0"})
            expect(begun, 202)
            patched = connection.request(
                "PATCH", begun.headers["location"], {"Content-Length": str(16 * MIB)}, iter(content)
            )
            expect(patched, 202)
            digest = f"sha256:{hashlib.sha256(content[0] + block).hexdigest()}"
            closing = with_digest(patched.headers["location"], digest)
            expect(connection.request("PUT", closing, {"Content-Length": "0"}), 201)
            return digest

    with ThreadPoolExecutor(200) as pool:
        digests = list(pool.map(upload, range(200)))
    peak = fresh.memory("VmHWM") / 1024
    tell(capsys, f"200 uploads of 16 MiB at once: peak {peak:.0f} MiB")
    assert peak < 300
    with client(fresh.address) as connection:
        for digest in digests:
            assert received_digest(connection, digest) == digest


@pytest.fixture
def on_a_bucket(tmp_path):
    with versitygw(tmp_path / "store") as store:
        asyncio.run(store.create_bucket())
        with moorage(tmp_path / "registry", {"storage": tree(store)}) as server:
            yield server


@pytest.mark.parametrize("how", ["PATCH and PUT", "PUT", "PUT of unknown length"])
def test_16_uploads_of_256_mib_at_once_to_a_bucket_stay_below_250_mib(on_a_bucket, capsys, how):
    block = random.Random(82).randbytes(MIB)
    beginning = hashlib.sha256()
    for _ in range(LARGE):
        beginning.update(block)

    def upload(number):
        end = number.to_bytes(8, "big")
        expected = beginning.copy()
        expected.update(end)
        digest = f"sha256:{expected.hexdigest()}"
        body = itertools.chain(itertools.repeat(block, LARGE), [end])
        with client(on_a_bucket.address, seconds=600) as connection:
            begun = connection.request("POST", "/v2/many/blobs/uploads/", {"Content-Length": "0"})
            location = begun.headers["location"]
            length = {"Content-Length": "0"}
            if how == "PATCH and PUT":
                patched = connection.request("PATCH", location, body=body)
                expect(patched, 202)
                location, body = patched.headers["location"], b""
            elif how == "PUT":
                length = {"Content-Length": str(LARGE * MIB + len(end))}
            else:
                length = {}
            expect(connection.request("PUT", with_digest(location, digest), length, body), 201)
            head = connection.request("HEAD", f"/v2/many/blobs/{digest}")
            assert head.headers["content-length"] == str(LARGE * MIB + len(end))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(upload, range(16)))
    peak = on_a_bucket.memory("VmHWM") / 1024
    tell(capsys, f"16 uploads of 256 MiB at once by {how} to a bucket: peak {peak:.0f} MiB")
    assert peak < 250


def received_digest(connection, digest):
    reply = connection.request("GET", f"/v2/many/blobs/{digest}")
    return f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
