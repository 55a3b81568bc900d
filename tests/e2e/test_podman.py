"""podman and buildah: push, pull and images for several architectures, with a storage of their own."""

from __future__ import annotations

import json
import tempfile

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def containers(tmp_path):
    """Call podman or buildah on a storage that ends with the test."""
    with tempfile.TemporaryDirectory(prefix="run") as short:  # podman takes no longer path
        where = ("--storage-driver", "vfs", "--root", str(tmp_path / "root"), "--runroot", short)

        def call(program, *arguments):
            return run(program, *where, *arguments, seconds=200).strip()

        yield call


def whole(plain, repository, reference):
    """Read all that hangs on *reference*, check each digest, and return the manifest."""
    reply = plain.request("GET", f"/v2/{repository}/manifests/{reference}")
    assert reply.status == 200
    assert images.sha256(reply.body) == reply.headers["docker-content-digest"]
    document = reply.json()
    for child in document.get("manifests", ()):
        whole(plain, repository, child["digest"])
    for blob in [*document.get("layers", ()), *([document["config"]] if "config" in document else [])]:
        content = plain.fetch(f"/v2/{repository}/blobs/{blob['digest']}").body
        assert (images.sha256(content), len(content)) == (blob["digest"], blob["size"])
    return document


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_podman_pulls_what_was_pushed_and_pushes_it_again(containers, plain, repository, reference, docker):
    image = images.image(60, docker=docker)
    plain.push(repository, image, "v1")
    containers("podman", "pull", "--tls-verify=false", f"{reference}:v1")
    assert containers("podman", "image", "inspect", "--format", "{{.Digest}}", f"{reference}:v1") == image.digest
    containers("podman", "push", "--tls-verify=false", f"{reference}:v1", f"{reference}/again:v1")
    config = json.loads(image.manifest)["config"]["digest"]
    assert whole(plain, f"{repository}/again", "v1")["config"]["digest"] == config
    assert plain.fetch(f"/v2/{repository}/again/blobs/{config}").body == image.blobs[config]


def test_podman_pushes_an_image_for_two_architectures(containers, plain, repository, reference):
    for seed, architecture in ((61, "amd64"), (62, "arm64")):
        plain.push(f"{repository}/parts", images.image(seed, architecture=architecture), architecture)
        containers("podman", "pull", "--tls-verify=false", "--arch", architecture, f"{reference}/parts:{architecture}")
    containers("podman", "manifest", "create", "both")
    for architecture in ("amd64", "arm64"):
        containers("podman", "manifest", "add", "both", f"containers-storage:{reference}/parts:{architecture}")
    containers("podman", "manifest", "push", "--all", "--tls-verify=false", "both", f"docker://{reference}:multi")
    found = whole(plain, repository, "multi")["manifests"]
    assert sorted(child["platform"]["architecture"] for child in found) == ["amd64", "arm64"]
    containers("podman", "pull", "--tls-verify=false", "--arch", "arm64", f"{reference}:multi")


def test_buildah_builds_pushes_and_starts_from_it_again(tmp_path, containers, plain, repository, reference):
    (tmp_path / "hello").write_text("hello from a layer\n")
    container = containers("buildah", "from", "scratch")
    containers("buildah", "copy", container, str(tmp_path / "hello"), "/hello")
    containers("buildah", "commit", container, "built")
    containers("buildah", "push", "--tls-verify=false", "built", f"docker://{reference}:v1")
    whole(plain, repository, "v1")
    containers("buildah", "rmi", "--all", "--force")
    again = containers("buildah", "from", "--quiet", "--tls-verify=false", f"docker://{reference}:v1")
    folder = containers("buildah", "mount", again)
    with open(f"{folder}/hello", encoding="utf-8") as file:
        assert file.read() == "hello from a layer\n"
    containers("buildah", "umount", again)
