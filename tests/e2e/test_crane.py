"""crane: push, copy between repositories (which mounts), pull, validate, catalog and delete."""

from __future__ import annotations

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = pytest.mark.e2e


def crane(*arguments):
    return run("crane", *arguments, "--insecure")


def test_what_is_pushed_comes_back_byte_for_byte(tmp_path, plain, repository, reference):
    image = images.image(20)
    layout = images.write_layout(tmp_path / "in", {"v1": image})
    crane("push", str(layout), f"{reference}:v1")
    assert plain.differences(repository, image, "v1") == []
    crane("pull", "--format", "oci", f"{reference}:v1", str(tmp_path / "out"))
    assert images.read_layout(tmp_path / "out") == images.read_layout(layout)


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_a_copy_to_another_repository_is_identical(plain, repository, reference, docker):
    index = images.index(21, docker=docker)
    plain.push(f"{repository}/a", index, "v1")
    crane("copy", f"{reference}/a:v1", f"{reference}/b:v1")
    assert plain.differences(f"{repository}/b", index, "v1") == []


def test_a_copy_to_another_repository_mounts_and_sends_no_layer(server, plain, repository, reference):
    image = images.image(23, sizes=(400_000,))
    plain.push(f"{repository}/a", image, "v1")
    before = len(server.lines)
    crane("copy", f"{reference}/a:v1", f"{reference}/b:v1")
    assert plain.differences(f"{repository}/b", image, "v1") == []
    uploads = [line for line in server.lines[before:] if "/blobs/uploads/" in line["http.request.uri"]]
    assert {(line["http.request.method"], line["http.response.status"]) for line in uploads} == {("POST", 201)}


def test_validate_finds_every_layer_and_config_as_the_manifest_says(plain, repository, reference):
    plain.push(repository, images.image(24), "v1")
    assert "PASS" in crane("validate", "--remote", f"{reference}:v1")


def test_lists_tags_and_deletes(server, plain, repository, reference):
    image = images.image(25)
    plain.push(repository, image, "v1")
    crane("tag", f"{reference}:v1", "v2")
    assert crane("ls", reference).split() == ["v1", "v2"]
    assert repository in crane("catalog", server.address).split()
    crane("delete", f"{reference}:v1")
    assert crane("ls", reference).split() == ["v2"]
    crane("delete", f"{reference}@{image.digest}")
    assert plain.request("GET", f"/v2/{repository}/manifests/v2").status == 404
