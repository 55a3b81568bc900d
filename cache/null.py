"""No cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.contract import MISS

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from cache.contract import LinkKind, Lookup


class NullCache:
    """A `cache.contract.BlobDescriptorCache` that knows nothing and learns nothing."""

    async def lookup(self, _repository: RepositoryName, _kind: LinkKind, _digest: Digest, /) -> Lookup:
        """Return a miss, which asks for no fill."""
        return MISS

    async def remember(
        self,
        _repository: RepositoryName,
        _kind: LinkKind,
        _digest: Digest,
        _descriptor: Descriptor,
        _lookup: Lookup,
        /,
    ) -> None:
        """Do nothing."""

    async def revoke(self, _repository: RepositoryName, _kind: LinkKind, _digest: Digest, /) -> None:
        """Do nothing: there is nothing that could be answered from before."""

    async def forget(self, _digest: Digest, /) -> None:
        """Do nothing."""
