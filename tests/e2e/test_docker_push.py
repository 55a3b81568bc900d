"""Docker's own push and pull, request by request as its daemon sends them, five layers at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support import images
from tests.support.plainhttp import client, expect, with_digest

pytestmark = pytest.mark.e2e

AGENT = {
    "User-Agent": "docker/26.1.5 go/go1.22.2 git-commit/a72d7cd kernel/6.1.0 os/linux arch/amd64",
    "Connection": "keep-alive",
}
ENCODED = {**AGENT, "Accept-Encoding": "gzip"}
ACCEPTED = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/json",
)
ACCEPT = ", ".join(ACCEPTED)


def streamed(content):
    """The body as Go's io.Copy hands it out, in pieces of 32 KiB."""
    for start in range(0, len(content), 32 << 10):
        yield content[start : start + (32 << 10)]


def upload(connection, location, content):
    """PATCH streamed with chunked encoding and no Content-Range, PUT without a body, HEAD."""
    patched = connection.request("PATCH", location, ENCODED, streamed(content))
    expect(patched, 202)
    digest = images.sha256(content)
    closing = with_digest(patched.headers["location"], digest)
    put = connection.request("PUT", closing, {**ENCODED, "Content-Length": "0"})
    expect(put, 201)
    assert put.headers["docker-content-digest"] == digest


def push_layer(address, repository, content, mount_from=None):
    """HEAD; a mount attempt where another repository is known to hold it; POST, PATCH, PUT; HEAD again."""
    digest = images.sha256(content)
    path = f"/v2/{repository}/blobs/{digest}"
    with client(address) as connection:
        if connection.request("HEAD", path, AGENT).status == 200:
            return "exists"
        query = f"?from={mount_from.replace('/', '%2F')}&mount={digest.replace(':', '%3A')}" if mount_from else ""
        begun = connection.request(
            "POST", f"/v2/{repository}/blobs/uploads/{query}", {**ENCODED, "Content-Length": "0"}
        )
        if begun.status == 201:
            return "mounted"
        expect(begun, 202)
        assert begun.headers["docker-upload-uuid"]
        upload(connection, begun.headers["location"], content)
        stat = connection.request("HEAD", path, AGENT)
        expect(stat, 200)
        assert int(stat.headers["content-length"]) == len(content)
        return "pushed"


def push(address, repository, image, tag, mount_from=None):
    """The ping, the layers five at a time, the config, the manifest; return what became of the layers."""
    config, *layers = image.blobs.values()
    with client(address) as connection:
        expect(connection.request("GET", "/v2/", AGENT), 200)
        with ThreadPoolExecutor(5) as pool:
            outcome = list(pool.map(partial(push_layer, address, repository, mount_from=mount_from), layers))
        push_layer(address, repository, config)
        put = connection.request(
            "PUT", f"/v2/{repository}/manifests/{tag}", {**ENCODED, "Content-Type": image.media_type}, image.manifest
        )
        expect(put, 201)
        assert put.headers["docker-content-digest"] == image.digest
        return outcome


def pull(address, repository, tag):
    """The manifest by HEAD and GET, then everything it names."""
    with client(address) as connection:
        expect(connection.request("GET", "/v2/", AGENT), 200)
        head = connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", {**AGENT, "Accept": ACCEPT})
        expect(head, 200)
        digest = head.headers["docker-content-digest"]
        manifest = connection.request("GET", f"/v2/{repository}/manifests/{digest}", {**AGENT, "Accept": ACCEPT})
        expect(manifest, 200)
        document = manifest.json()
        blobs = {}
        for descriptor in (document["config"], *document["layers"]):
            blob = connection.fetch(
                f"/v2/{repository}/blobs/{descriptor['digest']}", {**AGENT, "Accept-Encoding": "identity"}
            )
            expect(blob, 200)
            blobs[descriptor["digest"]] = blob.body
        return manifest.body, blobs


@pytest.mark.parametrize("docker", [True, False], ids=["schema2", "oci"])
def test_an_image_with_more_layers_than_go_at_once_comes_back_byte_for_byte(server, repository, docker):
    image = images.image(50, sizes=[1, 10_000, 100_000, 1_000_000, 3_000_000, 20_000, 5_000_000], docker=docker)
    assert push(server.address, repository, image, "v1") == ["pushed"] * 7
    assert pull(server.address, repository, "v1") == (image.manifest, image.blobs)


def test_pushing_again_sends_no_layer(server, repository):
    image = images.image(51, docker=True)
    push(server.address, repository, image, "v1")
    assert push(server.address, repository, image, "v2") == ["exists"] * 2


def test_layers_of_another_repository_are_mounted(server, repository):
    image = images.image(52, docker=True)
    push(server.address, f"{repository}/a", image, "v1")
    assert push(server.address, f"{repository}/b", image, "v1", mount_from=f"{repository}/a") == ["mounted"] * 2
    assert pull(server.address, f"{repository}/b", "v1") == (image.manifest, image.blobs)


def test_a_mount_from_a_repository_that_lacks_the_layer_becomes_an_upload(server, repository):
    image = images.image(53, docker=True)
    assert push(server.address, repository, image, "v1", mount_from="no/such/place") == ["pushed"] * 2
    assert pull(server.address, repository, "v1") == (image.manifest, image.blobs)


def test_24_clients_pushing_to_one_repository_at_once_lose_nothing(server, plain, repository):
    shared = images.archive(54, 700_000)
    pushed = {
        f"v{number}": images.image(1000 + number, sizes=(200_000, 900_000), docker=number % 2 == 0)
        for number in range(24)
    }

    def one(item):
        tag, image = item
        push_layer(server.address, repository, shared)
        push(server.address, repository, image, tag)

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(one, pushed.items()))
    assert plain.request("GET", f"/v2/{repository}/tags/list").json()["tags"] == sorted(pushed)
    assert [found for tag, image in pushed.items() for found in plain.differences(repository, image, tag)] == []
    assert plain.fetch(f"/v2/{repository}/blobs/{images.sha256(shared)}").body == shared
