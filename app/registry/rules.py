"""What a manifest must satisfy before it is stored, as one frozen value.

Owns the questions that the document alone can answer: its size, its URLs, and which of its references have to be in the
repository. Knows nothing of storage; whether they *are* there is asked by `manifests.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.oci import mediatype
from app.oci.errors import ManifestInvalid, ManifestTooLarge
from cache.contract import LinkKind

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from app.oci.descriptor import Platform
    from app.oci.digest import Digest
    from app.oci.manifest import Manifest

MAX_SIZE: Final = 4 << 20  # bytes; distribution-spec, "Pushing Manifests": at least 4 megabytes should be taken
_SHOWN: Final = 160  # characters of the client's URL that an error repeats


class ReferenceRule(StrEnum):
    """Whether the content that a manifest names must be there when it is pushed."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class PlatformRule(StrEnum):
    """Which entries of an index must be there when it is pushed."""

    ALL = "all"
    NONE = "none"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Where content that is not kept here may live.

    Each pattern is searched for in the URL, not anchored. With nothing configured no URL is accepted; with *deny*
    alone, each that it does not match; *anywhere* accepts all of http and https.
    """

    allow: tuple[re.Pattern[str], ...] = ()
    deny: tuple[re.Pattern[str], ...] = ()
    anywhere: bool = False

    def accepts(self, url: str) -> bool:
        """Whether a client may be sent to *url*."""
        if not _is_plain_http(url):
            return False
        if self.anywhere:
            return True
        if not self.allow and not self.deny:
            return False
        allowed = not self.allow or any(pattern.search(url) for pattern in self.allow)
        return allowed and not any(pattern.search(url) for pattern in self.deny)


def _is_plain_http(url: str) -> bool:
    if "#" in url or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:  # half an IPv6 address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


@dataclass(frozen=True, slots=True)
class Reference:
    """Content that a manifest names, how large it says that is, and the kind of link that makes it visible."""

    kind: LinkKind
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class ManifestRules:
    """What this registry asks of manifests.

    Attributes:
        max_size: bytes of the largest manifest.
        references: ``OPTIONAL`` accepts sparse manifests: what is missing may come later, or never.
        urls: where foreign layers may live.
        platforms: which entries of an index must be there.
        platform_list: those entries, for ``PlatformRule.LIST``.
    """

    max_size: int = MAX_SIZE
    references: ReferenceRule = ReferenceRule.REQUIRED
    urls: UrlRules = field(default_factory=UrlRules)
    platforms: PlatformRule = PlatformRule.ALL
    platform_list: frozenset[Platform] = frozenset()

    def check_size(self, size: int) -> None:
        """Refuse a document of more than `max_size` bytes.

        Raises:
            ManifestTooLarge: it is larger.
        """
        if size > self.max_size:
            raise ManifestTooLarge(detail={"size": size, "limit": self.max_size})

    def check_urls(self, manifest: Manifest) -> None:
        """Refuse URLs that clients must not be sent to.

        Raises:
            ManifestInvalid: there is one; ``detail`` names each.
        """
        refused = [
            {"digest": descriptor.digest, "url": url[:_SHOWN]}
            for descriptor in (*manifest.blobs, *manifest.manifests)
            for url in descriptor.urls
            if not self.urls.accepts(url)
        ]
        if refused:
            raise ManifestInvalid("manifest names a URL that this registry does not accept", detail=refused)

    def references_of(self, manifest: Manifest) -> tuple[Reference, ...]:
        """Return what must be visible in the repository, in the document's order, each once.

        Left out are layers that live elsewhere, entries of an index that the platform rule does not ask for, and those
        that are no manifests: nobody knows how those were stored. A ``subject`` never has to exist
        (distribution-spec, "Pushing Manifests with Subject").
        """
        return tuple(dict.fromkeys(self._named(manifest)))

    def _named(self, manifest: Manifest) -> Iterator[Reference]:
        for descriptor in manifest.blobs:
            if not descriptor.urls:
                yield Reference(LinkKind.LAYER, descriptor.digest, descriptor.size)
        for descriptor in manifest.manifests:
            known = descriptor.media_type in mediatype.MANIFESTS
            if known and not descriptor.urls and self._asked_for(descriptor.platform):
                yield Reference(LinkKind.MANIFEST, descriptor.digest, descriptor.size)

    def _asked_for(self, platform: Platform | None) -> bool:
        if self.platforms is PlatformRule.LIST:
            return platform in self.platform_list
        return self.platforms is PlatformRule.ALL
