"""Descriptors: all the metadata that a read needs (image-spec, descriptor.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Platform:
    """What an index says its entry runs on."""

    architecture: str
    os: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Content by media type, size in bytes and digest."""

    media_type: str
    size: int
    digest: Digest
    artifact_type: str | None = None
    annotations: Mapping[str, str] | None = None
    urls: tuple[str, ...] = ()
    platform: Platform | None = None
