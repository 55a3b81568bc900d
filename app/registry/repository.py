"""One repository, put together from what all repositories of a process share. Costs no driver call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.registry import layout
from app.registry.links import Links
from app.registry.manifests import Manifests
from app.registry.references import References
from app.registry.referrers import ReferrerIndex
from app.registry.revisions import Revisions
from app.registry.statter import CachedBlobStatter, LinkedBlobStatter
from app.registry.tags import Tags
from cache.contract import LinkKind

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.reference import RepositoryName
    from app.registry.events import EventSink
    from app.registry.flights import Flights
    from app.registry.index import RepositoryIndex
    from app.registry.linked import LinkedBlobStore
    from app.registry.payloads import Payloads
    from app.registry.referrers import ReferrersMemory
    from app.registry.rules import ManifestRules
    from app.registry.state import State
    from app.registry.stores import LinkedBlobStores
    from cache.contract import BlobDescriptorCache
    from drivers.contract import Driver, SupportsCompareAndSwap


@dataclass(frozen=True, slots=True)
class Shared:
    """What all repositories of a process share.

    Attributes:
        run: the collector's last run when the process started; see `References`.
        look_back: whether calls are cheap; see `Tags`.
    """

    driver: Driver
    swap: SupportsCompareAndSwap | None
    cache: BlobDescriptorCache
    stores: LinkedBlobStores
    flights: Flights[Descriptor]
    payloads: Payloads
    referrers: ReferrersMemory
    index: RepositoryIndex
    rules: ManifestRules
    state: State
    run: int
    look_back: bool
    events: EventSink | None


@dataclass(frozen=True, slots=True)
class LinkedRepository:
    """An `app.registry.contracts.Repository`: nothing but its name and its views."""

    name: RepositoryName
    blobs: LinkedBlobStore
    manifests: Manifests
    tags: Tags
    referrers: ReferrerIndex


def open_repository(name: RepositoryName, shared: Shared) -> LinkedRepository:
    """Return the view of the repository *name*, which need not exist."""
    layers = shared.stores.layers(name)
    links = Links(shared.driver, layout.revisions(name))
    truth = LinkedBlobStatter(links, shared.stores.blobs)
    statter = CachedBlobStatter(shared.cache, truth, name, LinkKind.MANIFEST, shared.flights)
    revisions = Revisions(
        name,
        links=links,
        statter=statter,
        store=shared.stores.manifests(name),
        payloads=shared.payloads,
        swap=shared.swap,
    )
    tags = Tags(shared.driver, name, swap=shared.swap, look_back=shared.look_back, events=shared.events)
    referrers = ReferrerIndex(shared.driver, name, revisions=revisions, tags=tags, memory=shared.referrers)
    references = References(
        rules=shared.rules,
        remembered={LinkKind.LAYER: layers, LinkKind.MANIFEST: statter},
        stored={
            LinkKind.LAYER: LinkedBlobStatter(Links(shared.driver, layout.layers(name)), shared.stores.blobs),
            LinkKind.MANIFEST: truth,
        },
        state=shared.state,
        run=shared.run,
    )
    manifests = Manifests(
        name,
        rules=shared.rules,
        references=references,
        payloads=shared.payloads,
        revisions=revisions,
        referrers=referrers,
        tags=tags,
        index=shared.index,
        events=shared.events,
    )
    return LinkedRepository(name, layers, manifests, tags, referrers)
