"""oras: push, attach, discover, pull, copy."""

from __future__ import annotations

import json
import random

import pytest

from tests.support import images
from tests.support.programs import run

pytestmark = pytest.mark.e2e


def oras(*arguments, cwd=None):
    return run("oras", *arguments, cwd=cwd)


def test_files_are_pushed_and_pulled_byte_for_byte(tmp_path, reference):
    content = random.Random(40).randbytes(3_000_000)
    (tmp_path / "model.bin").write_bytes(content)
    oras("push", "--plain-http", f"{reference}:v1", "model.bin:application/x-model", cwd=tmp_path)
    oras("pull", "--plain-http", f"{reference}:v1", "-o", str(tmp_path / "out"))
    assert (tmp_path / "out" / "model.bin").read_bytes() == content


def test_what_is_attached_is_discovered_by_type_and_pulled(tmp_path, plain, repository, reference):
    image = images.image(41)
    plain.push(repository, image, "v1")
    for name, kind in (
        ("sbom.json", "application/vnd.example.sbom"),
        ("sign.txt", "application/vnd.example.signature"),
    ):
        (tmp_path / name).write_text(f"this is {name}")
        oras("attach", "--plain-http", "--artifact-type", kind, f"{reference}:v1", f"{name}:text/plain", cwd=tmp_path)
    found = json.loads(oras("discover", "--plain-http", "--format", "json", f"{reference}:v1"))
    entries = found.get("referrers") or found["manifests"]
    assert sorted(entry["artifactType"] for entry in entries) == [
        "application/vnd.example.sbom",
        "application/vnd.example.signature",
    ]
    signature = json.loads(
        oras(
            "discover",
            "--plain-http",
            "--format",
            "json",
            "--artifact-type",
            "application/vnd.example.signature",
            f"{reference}:v1",
        )
    )
    (entry,) = signature.get("referrers") or signature["manifests"]
    oras("pull", "--plain-http", f"{reference}@{entry['digest']}", "-o", str(tmp_path / "out"))
    assert (tmp_path / "out" / "sign.txt").read_text() == "this is sign.txt"
    assert plain.differences(repository, image, "v1") == []


def test_a_recursive_copy_takes_referrers_along(plain, repository, reference):
    image = images.image(42)
    note = images.artifact(43, image)
    plain.push(f"{repository}/a", image, "v1")
    plain.push(f"{repository}/a", note, note.digest)
    oras("cp", "-r", "--from-plain-http", "--to-plain-http", f"{reference}/a:v1", f"{reference}/b:v1")
    assert plain.differences(f"{repository}/b", image, "v1") == []
    assert plain.differences(f"{repository}/b", note, note.digest) == []


def test_tags_and_manifests_are_listed_and_deleted(server, plain, repository, reference):
    image = images.image(44)
    plain.push(repository, image, "v1")
    assert oras("repo", "tags", "--plain-http", reference).split() == ["v1"]
    assert repository in oras("repo", "ls", "--plain-http", server.address).split()
    oras("manifest", "delete", "--force", "--plain-http", f"{reference}:v1")
    assert plain.request("GET", f"/v2/{repository}/manifests/{image.digest}").status == 404
