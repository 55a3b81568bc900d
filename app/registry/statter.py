"""Digest to descriptor, seen from one repository: the truth of the backend, and the cache before it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cache.contract import MISS

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from app.registry.blobs import GlobalBlobStore
    from app.registry.flights import Flights
    from app.registry.links import Links
    from cache.contract import BlobDescriptorCache, LinkKind, Lookup

_log = logging.getLogger(__name__)


class LinkedBlobStatter:
    """The truth: content is visible here if there is a link to it and its bytes are there."""

    __slots__ = ("_blobs", "_links")

    def __init__(self, links: Links, blobs: GlobalBlobStore) -> None:
        self._links = links
        self._blobs = blobs

    async def stat(self, digest: Digest, /, known: Descriptor | None = None) -> Descriptor:
        """Return the canonical descriptor. Two driver calls, side by side unless *digest* is an alias.

        With *known*, what the content is known to be from elsewhere, only the link is read: one call.

        Raises:
            BlobUnknown: no link, or no bytes.
        """
        if known is None and digest.canonical:
            link, data = await asyncio.gather(
                self._links.read(digest), self._blobs.stat(digest), return_exceptions=True
            )
            for outcome in (link, data):
                if isinstance(outcome, BaseException):
                    raise outcome
            return data  # type: ignore[return-value]  # an exception was raised above
        target = await self._links.read(digest)
        if known is not None and known.digest == target:
            return known
        return await self._blobs.stat(target)


class CachedBlobStatter:
    """The cache first, then the backend, then the cache is taught. A sick cache costs speed only."""

    __slots__ = ("_backend", "_cache", "_flights", "_kind", "_repository")

    def __init__(
        self,
        cache: BlobDescriptorCache,
        backend: LinkedBlobStatter,
        repository: RepositoryName,
        kind: LinkKind,
        flights: Flights[Descriptor],
    ) -> None:
        self._cache = cache
        self._backend = backend
        self._repository = repository
        self._kind = kind
        self._flights = flights

    async def stat(self, digest: Digest, /) -> Descriptor:
        """Return the canonical descriptor. No driver call when the cache vouches for it.

        Raises:
            BlobUnknown: not visible here.
        """
        lookup = await self.lookup(digest)
        if lookup.scoped is not None:
            return lookup.scoped
        if lookup.ticket is None:
            return await self._ask(digest, lookup)
        # Equal tickets mean that nothing was revoked in between, so whoever comes after a delete starts a new flight.
        key = (self._repository, self._kind, digest, lookup.ticket)
        return await self._flights.join(key, lambda: self._ask(digest, lookup))

    async def lookup(self, digest: Digest) -> Lookup:
        """Return what the cache knows, which is nothing if it fails. To be called before a link is written."""
        try:
            return await self._cache.lookup(self._repository, self._kind, digest)
        except Exception:  # noqa: BLE001  # whatever a plug-in raises, the backend has the answer
            _log.warning("cache lookup failed", exc_info=True)
            return MISS

    async def remember(self, digest: Digest, descriptor: Descriptor, lookup: Lookup) -> None:
        """Teach the cache that *digest* is visible here, as the backend said after *lookup* was made."""
        try:
            await self._cache.remember(self._repository, self._kind, digest, descriptor, lookup)
        except Exception:  # noqa: BLE001  # the backend has answered already
            _log.warning("cache fill failed", exc_info=True)

    async def _ask(self, digest: Digest, lookup: Lookup) -> Descriptor:
        descriptor = await self._backend.stat(digest, lookup.anywhere)
        if lookup.ticket is not None or lookup.anywhere is None:
            await self.remember(digest, descriptor, lookup)
        return descriptor
