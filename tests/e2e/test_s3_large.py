"""Blobs larger than what S3 copies at once, artifacts of the size of models, and what the server holds of them."""

import hashlib
import http.client
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.oci.mediatype import OCI_IMAGE
from tests.support.plainhttp import client, expect, with_digest
from tests.support.programs import moorage
from tests.support.pushes import CONFIG_TYPE, LAYER_TYPE, descriptor
from tests.support.replicas import settings
from tests.support.s3stores import versitygw
from tests.support.streams import MIB, Stream

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

GIB = 1024  # MiB
PATIENCE = 900  # seconds; a store that puts parts together may say nothing for long


@pytest.fixture
def room(tmp_path):
    """A folder with room for all that a test writes; it is empty again afterwards."""
    needed = 30 << 30
    free = shutil.disk_usage(tmp_path).free
    if free < needed:
        pytest.skip(f"{free >> 30} GiB are free on the disk, {needed >> 30} are needed")
    yield tmp_path
    shutil.rmtree(tmp_path / "store")


@pytest.fixture
async def server(room):
    try:
        with versitygw(room / "store") as store:
            await store.create_bucket()
            with moorage(room / "registry", settings(store)) as server:
                yield server
                assert server.failures() == []
            assert await store.uploads() == []
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


class Figures:
    """What a test has measured, told at its end."""

    def __init__(self, server, capsys):
        self.server = server
        self.capsys = capsys
        self.began = time.monotonic()

    def tell(self, what, mib):
        """Say how long it took to move so many MiB since the last time, and what the server held at most."""
        seconds, peak = time.monotonic() - self.began, self.server.memory("VmHWM") / 1024
        with self.capsys.disabled():
            sys.stdout.write(f"\n{what}: {seconds:.0f} s, {mib / seconds:.0f} MiB/s, peak {peak:.0f} MiB")
        self.began = time.monotonic()
        return peak


@pytest.fixture
def figures(server, capsys):
    return Figures(server, capsys)


def begin(connection, name):
    begun = connection.request("POST", f"/v2/{name}/blobs/uploads/", {"Content-Length": "0"})
    expect(begun, 202)
    return begun.headers["location"]


def push_in_one(server, name, stream):
    digest = stream.digest()
    with client(server.address, seconds=PATIENCE) as connection:
        target = with_digest(begin(connection, name), digest)
        expect(connection.request("PUT", target, {"Content-Length": str(stream.size)}, stream.pieces()), 201)
    return digest


def push_in_chunks(server, name, stream, step):
    """Push *stream* in PATCHes of *step* MiB, or in one of unknown length if it is 0, and then close the session."""
    hashed = hashlib.sha256()

    def hashing(pieces):
        for piece in pieces:
            hashed.update(piece)
            yield piece

    with client(server.address, seconds=PATIENCE) as connection:
        location = begin(connection, name)
        for start in range(0, stream.mib, step or stream.mib):
            stop = min(stream.mib, start + (step or stream.mib))
            span = {"Content-Range": f"{start * MIB}-{stop * MIB - 1}", "Content-Length": str((stop - start) * MIB)}
            patched = connection.request("PATCH", location, span if step else {}, hashing(stream.pieces(start, stop)))
            expect(patched, 202)
            location = patched.headers["location"]
        digest = f"sha256:{hashed.hexdigest()}"
        expect(connection.request("PUT", with_digest(location, digest), {"Content-Length": "0"}), 201)
    return digest


def pulled(server, name, digest):
    """The digest and the length of what comes."""
    connection = http.client.HTTPConnection(server.address, timeout=PATIENCE)
    connection.request("GET", f"/v2/{name}/blobs/{digest}")
    response = connection.getresponse()
    assert response.status == 200
    received, size = hashlib.sha256(), 0
    while piece := response.read(MIB):
        received.update(piece)
        size += len(piece)
    connection.close()
    return f"sha256:{received.hexdigest()}", size


@pytest.mark.parametrize("step", [None, 0, 512], ids=["POST and PUT", "POST, PATCH and PUT", "12 PATCHes"])
def test_a_blob_of_6_gib_goes_in_and_comes_out(server, figures, step):
    stream = Stream(600, 6 * GIB)
    if step is None:
        digest = push_in_one(server, "large/one", stream)
    else:
        digest = push_in_chunks(server, "large/one", stream, step)
    figures.tell("6 GiB in", stream.mib)
    assert pulled(server, "large/one", digest) == (digest, stream.size)
    assert digest == stream.digest()
    assert figures.tell("6 GiB out", stream.mib) < 250


def test_a_model_of_8_layers_of_1_gib_is_pushed_in_chunks_at_once_and_pulled_in_ranges(server, figures):
    layers = [Stream(800 + number, GIB) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda layer: push_in_chunks(server, "large/model", layer, 64), layers))
    total = sum(layer.mib for layer in layers)
    figures.tell("8 layers of 1 GiB in", total)
    with client(server.address) as connection:
        connection.push_blob("large/model", b"{}")
        rows = [
            {"mediaType": LAYER_TYPE, "size": layer.size, "digest": digest}
            for layer, digest in zip(layers, digests, strict=True)
        ]
        manifest = manifest_of(rows)
        target, kind = "/v2/large/model/manifests/latest", {"Content-Type": OCI_IMAGE}
        expect(connection.request("PUT", target, kind, manifest), 201)
        assert connection.request("GET", target).body == manifest

    def pull(where):
        number, start = where
        with client(server.address, seconds=PATIENCE) as connection:
            span = {"Range": f"bytes={start * MIB}-{(start + 16) * MIB - 1}"}
            reply = connection.request("GET", f"/v2/large/model/blobs/{digests[number]}", span)
        assert reply.status == 206
        return reply.body == b"".join(layers[number].pieces(start, start + 16))

    with ThreadPoolExecutor(20) as pool:
        ranges = [(number, start) for start in range(0, GIB, 16) for number in range(8)]
        assert all(pool.map(pull, ranges))
    figures.tell("the same out, 20 ranges of 16 MiB at a time", total)


def manifest_of(layers):
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "config": descriptor(b"{}", CONFIG_TYPE),
        "layers": layers,
    }
    return json.dumps(document).encode()


@pytest.mark.parametrize("way", ["PUT", "PATCH"])
def test_16_uploads_of_256_mib_at_once_stay_below_250_mib(server, figures, way):
    streams = [Stream(900 + number, 256) for number in range(16)]

    def push(stream):
        if way == "PUT":
            return push_in_one(server, "large/many", stream)
        return push_in_chunks(server, "large/many", stream, 0)

    with ThreadPoolExecutor(16) as pool:
        digests = list(pool.map(push, streams))
    peak = figures.tell("16 uploads of 256 MiB at once", 16 * 256)
    for digest in digests:
        assert pulled(server, "large/many", digest)[0] == digest
    assert peak < 250
