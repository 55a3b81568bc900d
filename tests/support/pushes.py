"""The pushes of a client in a few words, and the documents that it pushes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from app.oci.mediatype import OCI_IMAGE, OCI_INDEX

if TYPE_CHECKING:
    from tests.support.wire import Answer, Wire

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(content: bytes) -> str:
    """The digest of *content*."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def sha512(content: bytes) -> str:
    """The other digest of *content*."""
    return f"sha512:{hashlib.sha512(content).hexdigest()}"


def descriptor(content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """A descriptor of *content*."""
    return {"mediaType": media_type, "size": len(content), "digest": sha256(content), **more}


def image(config: bytes = b"{}", *layers: bytes, media_type: str = OCI_IMAGE, **more: Any) -> bytes:
    """An image manifest of *config* and *layers*."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(config, CONFIG_TYPE),
        "layers": [descriptor(layer, LAYER_TYPE) for layer in layers],
        **more,
    }
    return json.dumps(document).encode()


def index(*manifests: bytes, **more: Any) -> bytes:
    """An index of *manifests*."""
    entries = [descriptor(manifest, OCI_IMAGE) for manifest in manifests]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **more}).encode()


async def push_blob(wire: Wire, name: str, content: bytes) -> str:
    """Push a blob in one request and return its digest."""
    digest = sha256(content)
    answer = await wire("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", body=content)
    assert answer.status == 201, answer
    return digest


async def push_manifest(wire: Wire, name: str, reference: str, content: bytes, media_type: str = OCI_IMAGE) -> Answer:
    """Push a manifest whose references are there."""
    answer = await wire("PUT", f"/v2/{name}/manifests/{reference}", ("Content-Type", media_type), body=content)
    assert answer.status == 201, answer
    return answer


async def push_image(wire: Wire, name: str, tag: str, *layers: bytes, **more: Any) -> bytes:
    """Push an image with everything in it and return its manifest."""
    for content in (b"{}", *layers):
        await push_blob(wire, name, content)
    manifest = image(b"{}", *layers, **more)
    await push_manifest(wire, name, tag, manifest)
    return manifest


async def begin(wire: Wire, name: str) -> str:
    """Begin an upload and return where it goes on."""
    answer = await wire("POST", f"/v2/{name}/blobs/uploads/", body=b"")
    assert answer.status == 202, answer
    return answer.location
