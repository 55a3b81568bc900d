"""The domain put together on any driver, without a wire."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.oci.digest import Algorithm, Digest
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName, Tag
from app.registry import layout
from app.registry.namespace import open_namespace
from app.registry.state import open_state
from cache.memory import MemoryCache
from tests.support.pushes import image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.registry.contracts import StoredManifest
    from app.registry.events import Event
    from app.registry.namespace import LinkedNamespace
    from app.registry.repository import LinkedRepository
    from app.registry.rules import ManifestRules
    from tests.support.watched import Call, SwappingDriver, WatchedDriver

NAME = RepositoryName.parse("library/alpine")
OTHER = RepositoryName.parse("library/other")


@dataclass
class Heard:
    """An event sink that keeps what it hears."""

    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event, /) -> None:
        self.events.append(event)


async def start(
    driver: SwappingDriver,
    *,
    membership: bool = False,
    swap: bool = True,
    rules: ManifestRules | None = None,
    look_back: bool = False,
    events: Heard | None = None,
) -> LinkedNamespace:
    """Start the domain on *driver* as a new process would; *membership*: its cache may vouch for links."""
    numbers = itertools.count()
    state = await open_state(
        driver,
        swap=driver if swap else None,
        new_id=lambda: f"id-{next(numbers)}",
        random_bytes=lambda size: b"s" * size,
    )
    cache = MemoryCache(membership=membership)
    return await open_namespace(
        driver,
        state=state,
        cache=cache,
        swap=driver if swap else None,
        rules=rules,
        look_back=look_back,
        events=events,
    )


async def push_blobs(repository: LinkedRepository, *contents: bytes) -> None:
    """Push small blobs."""
    for content in contents:
        await repository.blobs.put(content, OCTET_STREAM)


async def push_image(
    repository: LinkedRepository,
    *tags: str,
    config: bytes = b"{}",
    layers: Sequence[bytes] = (),
    algorithm: Algorithm | None = None,
    **more: Any,
) -> StoredManifest:
    """Push an image with all that it needs; by digest if an *algorithm* is given or there is more than one tag."""
    await push_blobs(repository, config, *layers)
    content = image(config, *layers, **more)
    digest = None if algorithm is None else Digest.of(content, algorithm)
    return await repository.manifests.put(content, "", digest=digest, tags=[Tag.parse(tag) for tag in tags])


async def tags_of(repository: LinkedRepository) -> list[str]:
    """All tags."""
    return [tag async for tag in repository.tags.list()]


async def set_collector(driver: WatchedDriver, number: int, *, active: bool = False) -> None:
    """Let the state say that the collector's run *number* is the last, unseen by the watch."""
    state = json.loads(await driver.inner.get(layout.NOW))
    await driver.inner.put(layout.NOW, json.dumps(state | {"collector": number, "active": active}).encode())


def steps(calls: Iterable[Call]) -> list[str]:
    """Name the calls of a push by what they are for."""
    names = []
    for call in calls:
        if call.path == layout.NOW:
            names.append("state")
        elif call.path.startswith(layout.BLOBS):
            names.append("payload")
        elif call.path.startswith(f"{layout.OWN}/derived/referrers"):
            names.append("referrer")
        elif call.path.startswith(layout.REPOSITORY_INDEX):
            names.append("repository")
        elif "/_manifests/revisions/sha512/" in call.path:
            names.append("alias")
        elif "/_manifests/revisions/" in call.path:
            names.append("revision")
        elif call.path.endswith("/current/link"):
            names.append("tag")
        elif "/index/" in call.path:
            names.append("history")
        else:
            names.append(call.path)
    return names
