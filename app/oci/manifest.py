"""Manifests: documents that name content. The bytes are kept as they came; parsing only serves validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Manifest:
    """A parsed manifest.

    Attributes:
        raw: the bytes as they were pushed.
        media_type: what Content-Type says for it.
        digest: the canonical digest of *raw*.
        blobs: config and layers (or an artifact's blobs), in order.
        manifests: an index's entries, in order.
        subject: what it refers to.
        artifact_type: its own, or an image's config media type when it has none; for the referrers list.
        annotations: its own.
    """

    raw: bytes
    media_type: str
    digest: Digest
    blobs: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


def parse(raw: bytes, content_type: str = "") -> Manifest:
    """Parse and check a manifest.

    *content_type* is the one it was pushed with, without parameters; empty: take the document's own, and for a document
    that has none its shape.

    Raises:
        ManifestInvalid: broken JSON, duplicate keys, absurd nesting, an unknown type, a type unlike the document's,
            both ``layers`` and ``manifests``, bad descriptors ...
    """
    raise NotImplementedError
