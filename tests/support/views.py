"""Two repositories over one counted driver and one cache, for tests of what a view of content promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from app.registry.stores import LinkedBlobStores
from cache.contract import LinkKind
from drivers.memory import MemoryDriver
from tests.support.counting import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.registry.events import Event, EventSink
    from app.registry.linked import Ingestion, Linker
    from cache.contract import BlobDescriptorCache

HERE: Final = RepositoryName.parse("team/here")
THERE: Final = RepositoryName.parse("team/there")
CONTENT: Final = b"content"
DIGEST: Final = Digest.of(CONTENT)
ALIAS: Final = Digest.of(CONTENT, Algorithm.SHA512)
DESCRIPTOR: Final = Descriptor(OCTET_STREAM, len(CONTENT), DIGEST)


class Heard(list["Event"]):
    """A sink that keeps what it is told."""

    def emit(self, event: Event, /) -> None:
        """Keep *event*."""
        self.append(event)


class Views:
    """The layers of two repositories, and all that is behind them."""

    def __init__(
        self,
        cache: BlobDescriptorCache,
        driver: MemoryDriver | None = None,
        *,
        ingestion: Callable[[RepositoryName, Linker], Ingestion] | None = None,
        events: EventSink | None = None,
    ) -> None:
        self.memory: Final = driver or MemoryDriver()
        self.driver, self.calls = counted(self.memory)
        self.cache: Final = cache
        self.stores: Final = LinkedBlobStores(self.driver, cache, ingestion=ingestion, events=events)
        self.here: Final = self.stores.layers(HERE)
        self.there: Final = self.stores.layers(THERE)

    async def linked(self, digest: Digest = DIGEST) -> bool:
        """Whether there is a link here, whatever the cache believes."""
        return await self.here.linked(digest)

    async def membership(self) -> Descriptor | None:
        """What the cache vouches for here."""
        return (await self.cache.lookup(HERE, LinkKind.LAYER, DIGEST)).scoped


async def unknown(step: Awaitable[object]) -> None:
    """Expect that *step* finds no such blob."""
    with pytest.raises(BlobUnknown) as caught:
        await step
    assert caught.value.code == "BLOB_UNKNOWN"
