"""Which manifests one repository sees: a link for each, and another for each name of it under a second algorithm.

A link is the permission; the bytes are elsewhere (`payloads.py`). Knows nothing of tags, nor of what a manifest names.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from app.oci.descriptor import Descriptor
from app.oci.digest import Digest
from app.oci.errors import BlobUnknown, ManifestUnknown
from app.registry import layout
from drivers.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.oci.manifest import Manifest
    from app.oci.reference import RepositoryName
    from app.registry.linked import LinkedBlobStore
    from app.registry.links import Links
    from app.registry.payloads import Payloads
    from app.registry.statter import CachedBlobStatter
    from drivers.contract import SupportsCompareAndSwap

_log = logging.getLogger(__name__)


class Revisions:
    """The manifest links of one repository.

    Args:
        name: the repository.
        links: its manifest links.
        statter: answers from the cache whether there is one, and teaches it.
        store: takes links away, and tells the cache.
        payloads: the bytes of all manifests.
        swap: the driver's power to create a file that must not exist yet, if it has it.
    """

    __slots__ = ("_links", "_name", "_payloads", "_statter", "_store", "_swap")

    def __init__(
        self,
        name: RepositoryName,
        *,
        links: Links,
        statter: CachedBlobStatter,
        store: LinkedBlobStore,
        payloads: Payloads,
        swap: SupportsCompareAndSwap | None,
    ) -> None:
        self._name = name
        self._links = links
        self._statter = statter
        self._store = store
        self._payloads = payloads
        self._swap = swap

    async def resolve(self, digest: Digest) -> Digest:
        """Return the canonical digest of a manifest. No driver call when the cache vouches for it, else one.

        Raises:
            ManifestUnknown: it is not visible here.
        """
        lookup = await self._statter.lookup(digest)
        if lookup.scoped is not None:
            return lookup.scoped.digest
        canonical = await self._follow(digest)
        if canonical in self._payloads:
            manifest = _checked(await self._payloads.get(canonical), digest)
            await self._statter.remember(digest, _descriptor(manifest), lookup)
        return canonical

    async def get(self, digest: Digest) -> Manifest:
        """Return a manifest. At most two driver calls, side by side unless *digest* is an alias.

        Raises:
            ManifestUnknown: it is not visible here, or its bytes are not as they should be.
        """
        lookup = await self._statter.lookup(digest)
        if lookup.scoped is not None:
            return await self._payloads.get(lookup.scoped.digest)
        if digest.canonical and digest not in self._payloads:
            manifest = await self._read_at_once(digest)
        else:
            manifest = _checked(await self._payloads.get(await self._follow(digest)), digest)
        await self._statter.remember(digest, _descriptor(manifest), lookup)
        return manifest

    async def describe(self, digest: Digest, read: Callable[[Digest], Awaitable[Descriptor]]) -> Descriptor:
        """Return what *read* says of a manifest that is visible here, and teach it to the cache.

        No driver call of ours when the cache vouches for it, else one, beside those of *read*.

        Raises:
            ManifestUnknown: it is not visible here.
        """
        lookup = await self._statter.lookup(digest)
        if lookup.scoped is not None:
            return await read(digest)
        target, descriptor = await asyncio.gather(self._follow(digest), read(digest), return_exceptions=True)
        if isinstance(target, BaseException):
            raise target
        if isinstance(descriptor, BaseException):
            raise descriptor
        if digest.canonical:  # what an alias promises has not been checked
            await self._statter.remember(digest, Descriptor(descriptor.media_type, descriptor.size, target), lookup)
        return descriptor

    async def put(self, manifest: Manifest, digest: Digest) -> bool:
        """Make a stored manifest visible under *digest* and its canonical one; return whether it was not before.

        One driver call for a manifest that is new here, or that the cache knows to be here; one more for a *digest*
        that is not canonical.
        """
        lookup = await self._statter.lookup(digest)
        if lookup.scoped is not None:
            await self._links.write(manifest.digest, digest)
            return False
        new = await self._create(manifest.digest, manifest.digest)
        if digest != manifest.digest:  # after the other: whoever finds an alias relies on it
            await self._create(digest, manifest.digest)
        await self._statter.remember(digest, _descriptor(manifest), lookup)
        return new

    async def delete(self, digest: Digest) -> None:
        """Take a manifest out of the repository's view, under all its names. The cache is told in any case.

        Raises:
            ManifestUnknown: the backend had no link.
            Unavailable: the cache may still vouch for it; to try again is safe.
        """
        try:
            await self._store.delete(digest)
        except BlobUnknown:
            raise ManifestUnknown(detail={"digest": digest}) from None

    async def revoke(self, digest: Digest) -> None:
        """Tell the cache that the backend had no link, and change nothing there.

        Raises:
            Unavailable: the cache may still vouch for it; to try again is safe.
        """
        await self._store.revoke(digest)

    async def _create(self, digest: Digest, canonical: Digest) -> bool:
        """Write one link; return whether there was none.

        A file that is no good link is written over: a crash of another registry may have left it.
        """
        if self._swap is not None:
            with suppress(Conflict):
                await self._swap.create(layout.link(layout.revisions(self._name), digest), canonical.encode())
                return True
        with suppress(BlobUnknown):
            if await self._links.read(digest) == canonical:
                return False
        await self._links.write(canonical, digest)
        return True

    async def _follow(self, digest: Digest) -> Digest:
        try:
            return await self._links.read(digest)
        except BlobUnknown:
            raise ManifestUnknown(detail={"digest": digest}) from None

    async def _read_at_once(self, digest: Digest) -> Manifest:
        """Read link and bytes side by side. How long a refusal takes must not tell whether there are bytes."""
        reading = asyncio.ensure_future(self._payloads.get(digest))
        try:
            await self._follow(digest)
            return await reading
        finally:
            reading.cancel()  # nothing happens to one that is done
            await asyncio.gather(reading, return_exceptions=True)


def _checked(manifest: Manifest, digest: Digest) -> Manifest:
    """Return *manifest* if its bytes have *digest*, which an alias promises and nothing has checked yet.

    Raises:
        ManifestUnknown: they have not; a new push heals the alias.
    """
    if not digest.canonical and Digest.of(manifest.raw, digest.algorithm) != digest:
        _log.error("the alias %s names %s, whose bytes have another digest", digest, manifest.digest)
        raise ManifestUnknown(detail={"digest": digest})
    return manifest


def _descriptor(manifest: Manifest) -> Descriptor:
    return Descriptor(manifest.media_type, len(manifest.raw), manifest.digest)
