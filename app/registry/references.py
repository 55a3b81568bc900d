"""Whether what a manifest names is in its repository: asked before it is stored, and again once it can be seen.

The first answer may be the cache's, which can't know what the collector has taken since. But the collector spares
what a visible manifest names. So if no run began or ended since the cache was empty, as one fresh read of
``state/now`` *after* the link tells, nothing was taken; else the backend is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.oci.errors import BlobUnknown, ManifestBlobUnknown, Problems, RegistryError, SizeInvalid
from app.registry.rules import ReferenceRule
from app.registry.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.oci.digest import Digest
    from app.oci.manifest import Manifest
    from app.registry.contracts import BlobStatter
    from app.registry.rules import ManifestRules, Reference
    from app.registry.state import State
    from cache.contract import LinkKind


class References:
    """The references of manifests that are pushed to one repository.

    Args:
        rules: say which of them must be there.
        remembered: the repository's view through the cache, by kind of link.
        stored: its view by the backend alone.
        state: tells which run of the collector is the last, and whether it is under way.
        run: the last one when this process started with empty caches.
    """

    __slots__ = ("_remembered", "_rules", "_run", "_state", "_stored")

    def __init__(
        self,
        *,
        rules: ManifestRules,
        remembered: Mapping[LinkKind, BlobStatter],
        stored: Mapping[LinkKind, BlobStatter],
        state: State,
        run: int,
    ) -> None:
        self._rules = rules
        self._remembered = remembered
        self._stored = stored
        self._state = state
        self._run = run

    async def check(self, manifest: Manifest) -> None:
        """Look for all references; those that the cache vouches for cost no driver call.

        Raises:
            ManifestBlobUnknown, SizeInvalid: one is missing, or not as large as the manifest says.
            Problems: several are.
        """
        await self._look(manifest, self._remembered)

    async def confirm(self, manifest: Manifest) -> None:
        """Look again if the collector may have taken something. To be called when *manifest* is visible.

        One driver call if it can't have.

        Raises:
            ManifestBlobUnknown, SizeInvalid, Problems: as for `check`.
        """
        now = await self._state.now()
        if now.active or now.collector != self._run:
            await self._look(manifest, self._stored)

    async def _look(self, manifest: Manifest, statters: Mapping[LinkKind, BlobStatter]) -> None:
        async def problems_of(reference: Reference) -> dict[Digest, RegistryError]:
            digest = reference.digest
            try:
                found = await statters[reference.kind].stat(digest)
            except BlobUnknown:
                if self._rules.references is ReferenceRule.OPTIONAL:
                    return {}
                return {digest: ManifestBlobUnknown(detail=digest)}
            if found.size == reference.size:
                return {}
            sizes = {"digest": digest, "announced": reference.size, "stored": found.size}
            return {digest: SizeInvalid("a descriptor's size is not that of the stored content", detail=sizes)}

        problems: dict[Digest, RegistryError] = {}
        for found in await together(problems_of, self._rules.references_of(manifest)):
            problems |= found
        if len(problems) > 1:
            raise Problems(tuple(problems.values()))
        for problem in problems.values():
            raise problem
