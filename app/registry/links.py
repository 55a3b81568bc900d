"""Link files: the permission to see content, one small file a digest. Knows paths, no caches and no sizes.

Content is stored once, under its canonical digest. A link under another algorithm (an **alias**) holds the canonical
digest, and the canonical link is always written beside it. A link that is empty, corrupt or names other content counts
as missing; the next push writes it anew.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from app.oci.digest import CANONICAL, Algorithm, Digest
from app.oci.errors import BlobUnknown, DigestInvalid
from app.registry import layout
from app.registry.together import together
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.contract import Driver

_ALIASES: Final = tuple(algorithm for algorithm in Algorithm if algorithm != CANONICAL)

_log = logging.getLogger(__name__)


class LinkBroken(Exception):
    """What a link file holds is no digest."""


def parse(content: bytes) -> Digest:
    """Return the digest that a link file holds.

    Raises:
        LinkBroken: it is empty or holds something else.
    """
    try:
        return Digest.parse(content.decode("ascii"))
    except (UnicodeDecodeError, DigestInvalid):
        raise LinkBroken from None


class Links:
    """The links below one folder: one repository's layers, manifest revisions or signatures of a revision."""

    __slots__ = ("_driver", "_folder")

    def __init__(self, driver: Driver, folder: str) -> None:
        self._driver = driver
        self._folder = folder

    async def read(self, digest: Digest) -> Digest:
        """Return the canonical digest that *digest* is linked to. One driver call.

        Raises:
            BlobUnknown: there is no good link.
        """
        path = layout.link(self._folder, digest)
        try:
            content = await self._driver.get(path)
        except PathNotFound:
            raise BlobUnknown(detail={"digest": digest}) from None
        try:
            target = parse(content)
        except LinkBroken:
            _log.warning("corrupt link counts as missing: %s", path)
            raise BlobUnknown(detail={"digest": digest}) from None
        if not target.canonical or (digest.canonical and target != digest):
            _log.warning("link to other content counts as missing: %s", path)
            raise BlobUnknown(detail={"digest": digest})
        return target

    async def exists(self, digest: Digest) -> bool:
        """Whether there is a good link. One driver call."""
        try:
            await self.read(digest)
        except BlobUnknown:
            return False
        return True

    async def write(self, canonical: Digest, asked: Digest) -> None:
        """Link *canonical*, and *asked* to it where that is another name. One driver call, or two in sequence.

        The canonical link comes first: whoever finds an alias can rely on it.
        """
        content = canonical.encode("ascii")
        await self._driver.put(layout.link(self._folder, canonical), content)
        if asked != canonical:
            await self._driver.put(layout.link(self._folder, asked), content)

    async def names(self, digest: Digest) -> tuple[Digest, ...]:
        """Return every name that makes the content of *digest* visible here, *digest* itself last if it is one.

        Two driver calls in sequence, and one for each alias in the folder, of which there usually is none.
        """
        if digest.canonical:
            exists = await self.exists(digest)
            aliases = await self._aliases(digest)
            return (*aliases, digest) if exists else aliases
        # There is one digest of a content for each algorithm, so no other alias is looked for.
        try:
            return (await self.read(digest), digest)
        except BlobUnknown:
            return ()

    async def remove(self, digest: Digest) -> None:
        """Remove one link; absence is no error."""
        await self._driver.delete(layout.link(self._folder, digest))

    async def _aliases(self, canonical: Digest) -> tuple[Digest, ...]:
        async def target(alias: Digest) -> Digest | None:
            try:
                return await self.read(alias)
            except BlobUnknown:
                return None

        aliases = [alias async for alias in self._non_canonical()]
        targets = await together(target, aliases)
        return tuple(alias for alias, found in zip(aliases, targets, strict=True) if found == canonical)

    async def _non_canonical(self) -> AsyncIterator[Digest]:
        for algorithm in _ALIASES:
            try:
                async for name in self._driver.list(f"{self._folder}/{algorithm}"):
                    try:
                        yield Digest.parse(f"{algorithm}:{name}")
                    except DigestInvalid:  # not ours
                        continue
            except PathNotFound:
                continue
