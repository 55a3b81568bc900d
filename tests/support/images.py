"""Whole images that real clients accept: layers are real tar archives of random bytes, everything follows from a seed.

An `Image` is content by digest and the order to push it in; `write_layout` makes the OCI layout of it that clients read.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.oci.mediatype import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, OCI_INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest with all that hangs on it.

    Attributes:
        manifest: the document itself.
        blobs: config and layers by digest.
        children: the images of an index.
    """

    manifest: bytes
    media_type: str
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    children: Sequence[Image] = ()
    platform: Mapping[str, str] | None = None

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return sha256(self.manifest)

    def descriptor(self) -> dict[str, Any]:
        """The descriptor of the manifest."""
        found: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.manifest)}
        return {**found, "platform": dict(self.platform)} if self.platform else found

    def contents(self) -> dict[str, bytes]:
        """All blobs, those of the children too."""
        return {**self.blobs, **{digest: blob for child in self.children for digest, blob in child.contents().items()}}

    def manifests(self) -> list[Image]:
        """This and all below it, in the order to push them."""
        return [*(one for child in self.children for one in child.manifests()), self]


def sha256(content: bytes) -> str:
    """The digest of *content*."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def archive(seed: int, size: int) -> bytes:
    """A tar archive with one file of *size* random bytes."""
    content = random.Random(seed).randbytes(size)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo(f"file-{seed}")
        entry.size = size
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def image(
    seed: int, *, sizes: Sequence[int] = (2_000, 300_000), docker: bool = False, architecture: str = "amd64"
) -> Image:
    """An image with one layer per size, in OCI's form or Docker's schema 2."""
    tars = [archive(seed * 100 + number, size) for number, size in enumerate(sizes)]
    layers = [gzip.compress(tar, compresslevel=1, mtime=0) for tar in tars]
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": {"Cmd": [f"/file-{seed}"]},
            "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "test"} for _ in tars],
        }
    )
    kind = "application/vnd.docker" if docker else "application/vnd.oci"
    config_type = f"{kind}.container.image.v1+json" if docker else f"{kind}.image.config.v1+json"
    layer_type = f"{kind}.image.rootfs.diff.tar.gzip" if docker else f"{kind}.image.layer.v1.tar+gzip"
    media_type = DOCKER_IMAGE if docker else OCI_IMAGE
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(config, config_type),
        "layers": [_descriptor(layer, layer_type) for layer in layers],
    }
    blobs = {sha256(content): content for content in (config, *layers)}
    platform = {"architecture": architecture, "os": "linux"}
    return Image(_json(document), media_type, blobs, platform=platform)


def index(seed: int, *, docker: bool = False) -> Image:
    """An index (or Docker's manifest list) of two images for two architectures."""
    children = [image(seed, docker=docker), image(seed + 1, docker=docker, architecture="arm64")]
    media_type = DOCKER_LIST if docker else OCI_INDEX
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": [child.descriptor() for child in children]}
    return Image(_json(document), media_type, children=children)


def artifact(seed: int, subject: Image, artifact_type: str = "application/vnd.example.note") -> Image:
    """A manifest that refers to *subject*."""
    content = random.Random(seed).randbytes(500)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "artifactType": artifact_type,
        "config": _descriptor(EMPTY, EMPTY_TYPE),
        "layers": [_descriptor(content, "application/octet-stream")],
        "subject": {key: value for key, value in subject.descriptor().items() if key != "platform"},
    }
    return Image(_json(document), OCI_IMAGE, {sha256(EMPTY): EMPTY, sha256(content): content})


def write_layout(folder: Path, tags: Mapping[str, Image]) -> Path:
    """Write an OCI image layout with *tags* and return *folder*."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entries = []
    for tag, tagged in tags.items():
        entries.append({**tagged.descriptor(), "annotations": {"org.opencontainers.image.ref.name": tag}})
        documents = {one.digest: one.manifest for one in tagged.manifests()}
        for digest, content in {**tagged.contents(), **documents}.items():
            (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
    return folder


def read_layout(folder: Path) -> dict[str, bytes]:
    """All that an OCI image layout holds, by digest."""
    return {f"sha256:{path.name}": path.read_bytes() for path in (folder / "blobs" / "sha256").iterdir()}


def _descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def _json(document: object) -> bytes:
    return json.dumps(document).encode()
