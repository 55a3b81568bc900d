"""What a cache of blob descriptors promises. It is advice, never truth: every failure of it is a miss.

Two kinds of facts live here. That *this repository* may see a digest as that kind of link is **membership**: it can
be revoked, and is remembered under the repository's generation. The size of a digest can't change, may be
learnt from any repository, and is never evidence of access.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName


class LinkKind(StrEnum):
    """What a link in a repository makes visible. Each kind has its own membership: a manifest is not a layer."""

    LAYER = "layer"
    MANIFEST = "manifest"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a cache knows of (repository, kind, digest).

    Attributes:
        scoped: the descriptor, if the repository is known to see it now.
        anywhere: the canonical descriptor, if any repository taught it; says nothing about access.
        ticket: to be handed back to `BlobDescriptorCache.remember`; opaque, hashable. Two equal ones mean that nothing
            was revoked in the repository between the lookups. ``None``: no membership will be remembered.
        left: seconds of wall clock that the cache may still cost this request; the cache's own business.
    """

    scoped: Descriptor | None = None
    anywhere: Descriptor | None = None
    ticket: object | None = None
    left: float | None = field(default=None, compare=False)


MISS = Lookup()


class BlobDescriptorCache(Protocol):
    """Descriptors by (repository, kind of link, digest). No method raises for a cache that is down, but `revoke`."""

    async def lookup(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> Lookup:
        """Return what is known, in one round trip."""
        ...

    async def remember(
        self,
        repository: RepositoryName,
        kind: LinkKind,
        digest: Digest,
        descriptor: Descriptor,
        lookup: Lookup,
        /,
    ) -> None:
        """Remember what the backend said after *lookup* was made.

        *digest* is the one asked for, *descriptor* holds the canonical one. Membership lands only if nothing was
        revoked in the repository since *lookup*.
        """
        ...

    async def revoke(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> None:
        """Forget that the repository sees *digest*.

        Called after *every* delete in the backend, also one that found nothing; when it returns, no lookup that begins
        later answers from before the delete.

        Raises:
            CacheUnavailable: that can't be promised.
        """
        ...

    async def forget(self, digest: Digest, /) -> None:
        """Forget the size of a digest whose bytes turned out to be missing."""
        ...


class CacheUnavailable(Exception):
    """A revocation could not be made certain."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What ``state/now`` said, for as long as it counts.

    Attributes:
        epoch: memberships from another one count for nothing.
        redis: the identity of the Redis that is trusted, if one is.
    """

    epoch: str
    redis: str | None


class Trust(Protocol):
    """Whom to believe of those that several processes share; kept up by whoever polls ``state/now``."""

    def lease(self) -> Lease | None:
        """Return the lease that counts at this instant, if there is one."""
        ...

    async def abandon(self) -> None:
        """Make sure that nobody believes what the shared cache holds now; returns when all older leases have ended.

        Raises:
            CacheUnavailable: that can't be promised.
        """
        ...
