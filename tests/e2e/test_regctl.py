"""regctl: image copy, mount, referrers."""

from __future__ import annotations

import json

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = pytest.mark.e2e


@pytest.fixture
def regctl(server, tmp_path):
    def call(*arguments):
        host = f"reg={server.address},tls=disabled"
        return run("regctl", "--host", host, *arguments, REGCTL_CONFIG=str(tmp_path / "regctl.json"))

    return call


def test_an_index_with_its_referrers_is_copied_in_and_out_whole(tmp_path, plain, regctl, repository, reference):
    index = images.index(30)
    note = images.artifact(31, index)
    layout = images.write_layout(tmp_path / "in", {"v1": index})
    regctl("image", "copy", f"ocidir://{layout}:v1", f"{reference}:v1")
    plain.push(repository, note, note.digest)
    assert plain.differences(repository, index, "v1") == []
    regctl("image", "copy", "--referrers", f"{reference}:v1", f"{reference}/copy:v1")
    assert plain.differences(f"{repository}/copy", index, "v1") == []
    assert plain.differences(f"{repository}/copy", note, note.digest) == []
    listed = json.loads(regctl("artifact", "list", f"{reference}/copy:v1", "--format", "{{json .Manifest}}"))
    assert [entry["digest"] for entry in listed["manifests"]] == [note.digest]


def test_a_blob_is_mounted_from_another_repository(server, plain, regctl, repository, reference):
    content = b"a blob to mount" * 1000
    plain.push_blob(f"{repository}/a", content)
    digest, before = images.sha256(content), len(server.lines)
    regctl("blob", "copy", f"{reference}/a", f"{reference}/b", digest)
    assert plain.fetch(f"/v2/{repository}/b/blobs/{digest}").body == content
    posts = [line for line in server.lines[before:] if line["http.request.method"] == "POST"]
    assert [line["http.response.status"] for line in posts] == [201]


def test_tags_are_listed_and_removed_one_by_one(plain, regctl, repository, reference):
    image = images.image(33)
    for tag in ("v1", "v2"):
        plain.push(repository, image, tag)
    assert regctl("tag", "ls", reference).split() == ["v1", "v2"]
    regctl("tag", "rm", f"{reference}:v1")
    assert regctl("tag", "ls", reference).split() == ["v2"]
    assert plain.differences(repository, image, "v2") == []
