"""The bytes of manifests by canonical digest: stored with all other content, and remembered because they cannot change.

Owns that wrong bytes are never handed out. Whether a repository may see a manifest is not known here, so only what has
asked that (`revisions.py`) may hold this.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from app.oci.digest import Digest
from app.oci.errors import ManifestInvalid, ManifestUnknown
from app.oci.manifest import Manifest, parse
from app.registry import layout
from app.registry.flights import Flights
from app.registry.recent import Recent
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from drivers.contract import Driver

ROOM: Final = 32 << 20  # bytes of manifests that one process remembers
_PARSED: Final = 4  # a parsed manifest weighs about this many times its bytes, and these:
_FIXED: Final = 1024

_INLINE: Final = 64 << 10  # bytes of a manifest that is parsed on the event loop, which takes some 4 ms

_log = logging.getLogger(__name__)


def _weight(manifest: Manifest) -> int:
    return _PARSED * len(manifest.raw) + _FIXED


async def parse_manifest(raw: bytes, content_type: str = "") -> Manifest:
    """Parse as `app.oci.manifest.parse` does; a large document in a thread, so that others are served meanwhile."""
    if len(raw) <= _INLINE:
        return parse(raw, content_type)
    return await asyncio.to_thread(parse, raw, content_type)


class Payloads:
    """Manifests by canonical digest, shared by all repositories of a process.

    Args:
        driver: where they are.
        room: about how many bytes of memory may be used to remember them.
    """

    def __init__(self, driver: Driver, *, room: int = ROOM) -> None:
        self._driver = driver
        self._flights: Final[Flights[Manifest]] = Flights()
        self._recent: Final[Recent[Digest, Manifest]] = Recent(room, _weight)

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._recent

    async def get(self, digest: Digest) -> Manifest:
        """Return a manifest. No driver call when it is remembered, else one for all who ask at the same time.

        Raises:
            ManifestUnknown: there are no such bytes, or others than the digest says; a new push heals both.
        """
        if digest in self._recent:
            return self._recent.get(digest)
        return await self._flights.join(digest, lambda: self._read(digest))

    async def put(self, manifest: Manifest) -> None:
        """Store a manifest. One driver call: to write the same bytes again is cheaper than to ask, and heals."""
        await self._driver.put(layout.blob_data(manifest.digest), manifest.raw)
        self._recent.put(manifest.digest, manifest)

    async def _read(self, digest: Digest) -> Manifest:
        try:
            raw = await self._driver.get(layout.blob_data(digest))
        except PathNotFound:
            raise ManifestUnknown(detail={"digest": digest}) from None
        if Digest.of(raw) != digest:
            _log.error("manifest %s is corrupt in storage: its %d bytes have another digest", digest, len(raw))
            raise ManifestUnknown(detail={"digest": digest})
        try:
            manifest = await parse_manifest(raw)
        except ManifestInvalid as error:
            _log.warning("manifest %s was stored by another registry, and is none to us: %s", digest, error.text)
            raise ManifestUnknown(detail={"digest": digest}) from None
        self._recent.put(digest, manifest)
        return manifest
