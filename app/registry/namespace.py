"""Everything one process serves: repositories by name, their catalog, and who holds a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.registry.flights import Flights
from app.registry.holders import Holders
from app.registry.index import RepositoryIndex
from app.registry.payloads import ROOM, Payloads
from app.registry.referrers import ReferrersMemory
from app.registry.repository import Shared, open_repository
from app.registry.rules import ManifestRules
from app.registry.stores import LinkedBlobStores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from app.registry.events import EventSink
    from app.registry.linked import Ingestion, Linker
    from app.registry.repository import LinkedRepository
    from app.registry.state import State
    from cache.contract import BlobDescriptorCache
    from drivers.contract import Driver, SupportsCompareAndSwap, SupportsSendfile


class LinkedNamespace:
    """An `app.registry.contracts.Namespace`. Made by `open_namespace`."""

    __slots__ = ("_holders", "_shared")

    def __init__(self, shared: Shared, holders: Holders) -> None:
        self._shared = shared
        self._holders = holders

    def repository(self, name: RepositoryName, /) -> LinkedRepository:
        """Return the view of one repository, which need not exist. No driver call."""
        return open_repository(name, self._shared)

    def catalog(self, *, after: str = "") -> AsyncIterator[RepositoryName]:
        """Yield the repositories that have or had a manifest, after *after* in byte order. One listing."""
        return self._shared.index.names(after=after)

    def holders(self, digest: Digest, /) -> AsyncIterator[RepositoryName]:
        """Yield repositories that see the layer *digest*, those last heard of first; a bounded search."""
        return self._holders.of(digest)


async def open_namespace(
    driver: Driver,
    *,
    state: State,
    cache: BlobDescriptorCache,
    swap: SupportsCompareAndSwap | None = None,
    sendfile: SupportsSendfile | None = None,
    ingestion: Callable[[RepositoryName, Linker], Ingestion] | None = None,
    rules: ManifestRules | None = None,
    look_back: bool = False,
    events: EventSink | None = None,
    remembered: int = ROOM,
) -> LinkedNamespace:
    """Open what *driver* stores. To be called when *cache* is still empty.

    Two driver calls, once the index of repositories is built; the very first start builds it by looking through all
    folders.

    Args:
        driver: where everything is.
        state: of the same store.
        cache: remembers descriptors.
        swap: the driver's power to compare and swap, if it has it; without it preconditions on tags are refused.
        sendfile: its power to hand out file descriptors, if it has it.
        ingestion: takes in the bytes of layers.
        rules: what manifests must satisfy; distribution's defaults if not given.
        look_back: whether the driver's calls are so cheap that a put may look whether it still holds; see `Tags`.
        events: told of everything that happens.
        remembered: about how many bytes of memory may be used to remember manifests.
    """
    index = RepositoryIndex(driver)
    await index.prepare()
    holders = Holders(driver, index, events=events)
    shared = Shared(
        driver=driver,
        swap=swap,
        cache=cache,
        stores=LinkedBlobStores(driver, cache, sendfile=sendfile, ingestion=ingestion, events=holders),
        flights=Flights(),
        payloads=Payloads(driver, room=remembered),
        referrers=ReferrersMemory(),
        index=index,
        rules=rules or ManifestRules(),
        state=state,
        run=(await state.now()).collector,
        look_back=look_back,
        events=events,
    )
    return LinkedNamespace(shared, holders)
