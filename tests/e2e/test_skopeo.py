"""skopeo: copies in every format, sync, inspect, list-tags, delete."""

from __future__ import annotations

import json

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = pytest.mark.e2e


def skopeo(verb, *arguments):
    return run("skopeo", "--insecure-policy", verb, *arguments)


def push(layout, tag, reference, *options):
    skopeo("copy", "--dest-tls-verify=false", *options, f"oci:{layout}:{tag}", f"docker://{reference}:{tag}")


def pull(reference, tag, layout, *options):
    skopeo("copy", "--src-tls-verify=false", *options, f"docker://{reference}:{tag}", f"oci:{layout}:{tag}")
    return images.read_layout(layout)


def test_an_image_comes_back_byte_for_byte(tmp_path, plain, repository, reference):
    image = images.image(1)
    layout = images.write_layout(tmp_path / "in", {"v1": image})
    push(layout, "v1", reference)
    assert plain.differences(repository, image, "v1") == []
    assert pull(reference, "v1", tmp_path / "out") == images.read_layout(layout)


def test_an_index_comes_back_whole(tmp_path, plain, repository, reference):
    index = images.index(2)
    layout = images.write_layout(tmp_path / "in", {"multi": index})
    push(layout, "multi", reference, "--all")
    assert plain.differences(repository, index, "multi") == []
    assert pull(reference, "multi", tmp_path / "out", "--all") == images.read_layout(layout)


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("oci", "application/vnd.oci.image.manifest.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
    ],
)
@pytest.mark.parametrize("docker", [False, True], ids=["from-oci", "from-docker"])
def test_an_image_is_pushed_in_the_format_that_is_asked_for(
    tmp_path, plain, repository, reference, form, media_type, docker
):
    image = images.image(3, docker=docker)
    plain.push(f"{repository}/source", image, "v1")
    skopeo(
        "copy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--format",
        form,
        f"docker://{reference}/source:v1",
        f"docker://{reference}/target:v1",
    )
    manifest = plain.request("GET", f"/v2/{repository}/target/manifests/v1")
    assert manifest.headers["content-type"] == media_type
    for layer in manifest.json()["layers"]:
        blob = plain.fetch(f"/v2/{repository}/target/blobs/{layer['digest']}")
        assert blob.body == image.blobs[layer["digest"]]


def test_a_list_of_dockers_is_copied_with_its_digests(plain, repository, reference):
    index = images.index(5, docker=True)
    plain.push(f"{repository}/source", index, "multi")
    skopeo(
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        f"docker://{reference}/source:multi",
        f"docker://{reference}/target:multi",
    )
    assert plain.differences(f"{repository}/target", index, "multi") == []


def test_sync_takes_a_repository_out_and_brings_it_in_again(tmp_path, server, plain, repository, reference):
    tagged = {f"v{seed}": images.image(seed) for seed in (7, 8)}
    for tag, image in tagged.items():
        plain.push(repository, image, tag)
    folder = tmp_path / "out"
    folder.mkdir()
    skopeo("sync", "--src", "docker", "--dest", "dir", "--src-tls-verify=false", reference, str(folder))
    skopeo("sync", "--src", "dir", "--dest", "docker", "--dest-tls-verify=false", str(folder), f"{reference}/again")
    last = repository.rpartition("/")[2]
    for tag, image in tagged.items():
        assert plain.differences(f"{repository}/again/{last}", image, tag) == []
    assert server.failures() == []


def test_inspect_and_list_tags_tell_what_is_there(plain, repository, reference):
    image = images.image(9)
    for tag in ("b", "a", "1.0"):
        plain.push(repository, image, tag)
    shown = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{reference}:a"))
    assert shown["Digest"] == image.digest
    assert shown["RepoTags"] == ["1.0", "a", "b"]
    assert shown["Layers"] == [layer["digest"] for layer in json.loads(image.manifest)["layers"]]
    assert json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{reference}"))["Tags"] == ["1.0", "a", "b"]


def test_delete_removes_the_image_with_its_tags(plain, repository, reference):
    image, other = images.image(10), images.image(11)
    plain.push(repository, image, "gone")
    plain.push(repository, other, "kept")
    skopeo("delete", "--tls-verify=false", f"docker://{reference}:gone")
    assert plain.request("GET", f"/v2/{repository}/manifests/gone").status == 404
    assert plain.request("GET", f"/v2/{repository}/manifests/{image.digest}").status == 404
    assert plain.differences(repository, other, "kept") == []
