"""Makes the views of each repository from what they share: one driver, one cache, one table of reads under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.registry import layout
from app.registry.blobs import GlobalBlobStore
from app.registry.flights import Flights
from app.registry.linked import LinkedBlobStore
from app.registry.links import Links
from app.registry.statter import CachedBlobStatter, LinkedBlobStatter
from cache.contract import LinkKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.oci.descriptor import Descriptor
    from app.oci.reference import RepositoryName
    from app.registry.events import EventSink
    from app.registry.linked import Ingestion, Linker
    from cache.contract import BlobDescriptorCache
    from drivers.contract import Driver, SupportsRedirect, SupportsSendfile


class LinkedBlobStores:
    """The linked stores of all repositories, each made anew when asked for, which costs no driver call.

    Args:
        driver: where links and content are.
        cache: remembers descriptors for all of them.
        sendfile: the driver's power to hand out file descriptors, if it has it.
        redirect: its power to send clients to the backend, if it has it and is to use it.
        ingestion: takes in the bytes of layers.
        events: told what happens to layers; of manifests tells who knows their tags.
    """

    def __init__(
        self,
        driver: Driver,
        cache: BlobDescriptorCache,
        *,
        sendfile: SupportsSendfile | None = None,
        redirect: SupportsRedirect | None = None,
        ingestion: Callable[[RepositoryName, Linker], Ingestion] | None = None,
        events: EventSink | None = None,
    ) -> None:
        self.blobs = GlobalBlobStore(driver, sendfile=sendfile, redirect=redirect)
        self._driver = driver
        self._cache = cache
        self._ingestion = ingestion
        self._events = events
        self._flights: Flights[Descriptor] = Flights()

    def layers(self, name: RepositoryName) -> LinkedBlobStore:
        """What *name* sees as blobs: layers, configs and whatever else clients push as such."""
        return self._store(name, LinkKind.LAYER, layout.layers, self._ingestion, self._events)

    def manifests(self, name: RepositoryName) -> LinkedBlobStore:
        """What *name* sees as manifests."""
        return self._store(name, LinkKind.MANIFEST, layout.revisions)

    def _store(
        self,
        name: RepositoryName,
        kind: LinkKind,
        folder: Callable[[RepositoryName], str],
        ingestion: Callable[[RepositoryName, Linker], Ingestion] | None = None,
        events: EventSink | None = None,
    ) -> LinkedBlobStore:
        def links(repository: RepositoryName) -> Links:
            return Links(self._driver, folder(repository))

        def statter(repository: RepositoryName) -> CachedBlobStatter:
            truth = LinkedBlobStatter(links(repository), self.blobs)
            return CachedBlobStatter(self._cache, truth, repository, kind, self._flights)

        return LinkedBlobStore(
            repository=name,
            kind=kind,
            links=links(name),
            statter=statter(name),
            blobs=self.blobs,
            cache=self._cache,
            source=statter,
            ingestion=ingestion,
            events=events,
        )
