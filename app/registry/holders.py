"""Which repositories hold a layer: for a mount whose client does not say from where.

A guess that is checked: what this process has seen comes first, then a bounded look around. Knows nothing of who may
pull from where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.registry import layout
from app.registry.events import EventAction, Subject
from app.registry.links import Links
from app.registry.recent import Recent
from app.registry.together import AT_ONCE, together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from app.registry.events import Event, EventSink
    from app.registry.index import RepositoryIndex
    from drivers.contract import Driver

REMEMBERED: Final = 16_384  # digests
EACH: Final = 8  # repositories of a digest that are remembered
SEARCHED: Final = 1_000  # repositories that one search looks at

_BRINGS: Final = frozenset({EventAction.PUSH, EventAction.PULL, EventAction.MOUNT})


class Holders:
    """Listens to what happens to blobs, and passes it on.

    Args:
        driver: where the links are.
        index: the repositories to look around in.
        events: who else listens.
        searched: how many repositories one search looks at.
    """

    def __init__(
        self, driver: Driver, index: RepositoryIndex, *, events: EventSink | None = None, searched: int = SEARCHED
    ) -> None:
        self._driver = driver
        self._index = index
        self._events = events
        self._searched = searched
        self._recent: Final[Recent[Digest, tuple[RepositoryName, ...]]] = Recent(REMEMBERED)

    def emit(self, event: Event, /) -> None:
        """Take *event*; see `app.registry.events.EventSink`."""
        if event.subject is Subject.BLOB and event.descriptor is not None and event.action in _BRINGS:
            self._heard(event.descriptor.digest, event.repository)
            if event.alias is not None:
                self._heard(event.alias, event.repository)
        if self._events is not None:
            self._events.emit(event)

    async def of(self, digest: Digest) -> AsyncGenerator[RepositoryName]:
        """Yield repositories that see the layer *digest*, those last heard of first; a bounded search.

        One driver call for each repository that is looked at.
        """
        try:
            recent = self._recent.get(digest)
        except KeyError:
            recent = ()
        for name in await self._those_with(digest, recent):
            yield name
        batch: list[RepositoryName] = []
        looked = 0
        async for name in self._index.names():
            if name not in recent:
                batch.append(name)
            looked += 1
            if len(batch) == AT_ONCE:
                for holder in await self._those_with(digest, batch):
                    yield holder
                batch = []
            if looked == self._searched:
                break
        for holder in await self._those_with(digest, batch):
            yield holder

    def _heard(self, digest: Digest, name: RepositoryName) -> None:
        try:
            names = self._recent.get(digest)
        except KeyError:
            names = ()
        if not names or names[0] != name:
            self._recent.put(digest, (name, *(other for other in names if other != name))[:EACH])

    async def _those_with(
        self, digest: Digest, names: tuple[RepositoryName, ...] | list[RepositoryName]
    ) -> list[RepositoryName]:
        async def holds(name: RepositoryName) -> bool:
            return await Links(self._driver, layout.layers(name)).exists(digest)

        return [name for name, held in zip(names, await together(holds, names), strict=True) if held]
