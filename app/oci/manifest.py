"""Manifests: documents that name content. The bytes are kept as they came; parsing only serves validation.

Sources: image-spec manifest.md, image-index.md, descriptor.md; Docker's manifest v2 schema 2; the artifact manifest of
the image-spec's 1.1 release candidates, withdrawn but still found in registries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from app.oci import document, mediatype
from app.oci.descriptor import Descriptor, Platform
from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, ManifestInvalid

SCHEMA_VERSION: Final = 2
MAX_SIZE: Final = 2**63 - 1  # bytes; image-spec, descriptor.md: size is an int64
_SHOWN: Final = 160

_IMAGE: Final = frozenset({"config", "layers"})
_INDEX: Final = frozenset({"manifests"})
_ARTIFACT: Final = frozenset({"blobs"})
_CONTENT: Final = _IMAGE | _INDEX | _ARTIFACT
_SHAPES: Final = (
    dict.fromkeys(mediatype.IMAGES, _IMAGE)
    | dict.fromkeys(mediatype.INDEXES, _INDEX)
    | {mediatype.OCI_ARTIFACT: _ARTIFACT}
)


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


class _Platform(msgspec.Struct):
    architecture: str = ""
    os: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    media_type: Annotated[str, msgspec.Meta(min_length=1)]
    digest: str
    size: Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE)]
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None
    urls: list[str] | None = None
    platform: _Platform | None = None


class _Document(msgspec.Struct, rename="camel"):
    """Every kind of manifest at once. Go writes an empty list or map as null, so null is empty."""

    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    blobs: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None
    subject: _Descriptor | None = None
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


_NAMES: Final = {
    name.lower(): name
    for name in ("schemaVersion", "mediaType", *(field.encode_name for field in msgspec.structs.fields(_Document)))
}


def parse(raw: bytes, content_type: str = "") -> Manifest:
    """Parse and check a manifest.

    *content_type* is the one it was pushed with, without parameters; empty: take the document's own, and for a document
    that has none its shape. It can only confirm what the bytes say: ``parse(manifest.raw).media_type`` is
    ``manifest.media_type``, so the type of a stored manifest need not be stored beside it.

    Raises:
        ManifestInvalid: broken JSON, duplicate keys, absurd nesting, an unknown type, a type unlike the document's,
            both ``layers`` and ``manifests``, bad descriptors ...
    """
    if content_type:
        _check_taken(content_type)
    members = document.load(raw)
    _check_spelling(members)
    media_type = _media_type(members)
    if content_type and content_type != media_type:
        raise ManifestInvalid(
            "Content-Type is not the manifest's own type", detail={"contentType": content_type, "mediaType": media_type}
        )
    _check_shape(members, media_type)
    try:
        said = msgspec.convert(members, _Document)
    except msgspec.ValidationError as error:
        raise ManifestInvalid(f"manifest has a bad member: {error}") from None
    config = _descriptors([said.config] if said.config else None, "config")
    subject = _descriptors([said.subject] if said.subject else None, "subject")
    return Manifest(
        raw=raw,
        media_type=media_type,
        digest=Digest.of(raw),
        blobs=config + _descriptors(said.layers, "layers") + _descriptors(said.blobs, "blobs"),
        manifests=_descriptors(said.manifests, "manifests"),
        subject=subject[0] if subject else None,
        artifact_type=said.artifact_type or (config[0].media_type if config else None),
        annotations=said.annotations,
    )


def _check_taken(media_type: str) -> None:
    """Refuse a type that is no manifest's, and say which are."""
    if media_type in mediatype.SCHEMA1:
        raise ManifestInvalid(
            "Docker image manifests of schema 1 are not accepted: push schema 2 or an OCI image", detail=media_type
        )
    if media_type not in _SHAPES:
        raise ManifestInvalid(
            "manifest is of a type that this registry does not take",
            detail={"mediaType": media_type[:_SHOWN], "accepted": sorted(_SHAPES)},
        )


def _check_spelling(members: dict[str, Any]) -> None:
    """Refuse ``Layers``: clients written in Go would read it as ``layers``, and so another document than we do."""
    for name in members:
        known = _NAMES.get(name.casefold(), name)
        if known != name:
            raise ManifestInvalid("manifest has a misspelt member", detail={"found": name, "expected": known})


def _media_type(members: dict[str, Any]) -> str:
    """Return what the document says it is, else what its shape says."""
    declared = members.get("mediaType")
    if isinstance(declared, str) and declared:
        _check_taken(declared)
        return declared
    if declared is not None and declared != "":
        raise ManifestInvalid("manifest has a mediaType that is not a string")
    if members.get("schemaVersion") == 1:
        _check_taken(mediatype.DOCKER_SCHEMA1)
    image = any(members.get(name) is not None for name in _IMAGE)
    if image:
        return mediatype.OCI_IMAGE
    if "manifests" in members:
        return mediatype.OCI_INDEX
    raise ManifestInvalid("manifest has no mediaType, and neither config and layers nor manifests")


def _check_shape(members: dict[str, Any], media_type: str) -> None:
    """Refuse a document that is not of its type's shape, or could be taken for one of another's (CVE-2021-41190)."""
    version = members.get("schemaVersion")
    withdrawn = media_type == mediatype.OCI_ARTIFACT and version is None  # its specification had no version
    if not withdrawn and (type(version) is not int or version != SCHEMA_VERSION):
        raise ManifestInvalid(f"manifest needs schemaVersion {SCHEMA_VERSION}")
    shape = _SHAPES[media_type]
    foreign = sorted(name for name in _CONTENT - shape if members.get(name) is not None)
    if foreign:
        raise ManifestInvalid("manifest is ambiguous", detail={"mediaType": media_type, "unexpected": foreign})
    if shape is not _ARTIFACT:
        missing = sorted(name for name in shape if name not in members)
        if missing or (shape is _IMAGE and members["config"] is None):
            raise ManifestInvalid(
                "manifest is incomplete", detail={"mediaType": media_type, "missing": missing or ["config"]}
            )


def _descriptors(said: list[_Descriptor] | None, where: str) -> tuple[Descriptor, ...]:
    try:
        return tuple([_descriptor(one) for one in said or ()])
    except DigestInvalid as error:
        raise ManifestInvalid(f"manifest has an invalid digest in {where}", detail=error.detail) from None


def _descriptor(said: _Descriptor) -> Descriptor:
    platform = said.platform
    return Descriptor(
        said.media_type,
        said.size,
        Digest.parse(said.digest),
        said.artifact_type,
        said.annotations,
        () if said.urls is None else tuple(said.urls),
        None if platform is None else Platform(platform.architecture, platform.os),
    )
