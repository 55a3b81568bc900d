"""The tags of one repository: names that point to digests, and can be moved.

A tag is one small file, so a single write is the moment at which it moves; nothing is read, changed and written back.
What it points to is not looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, ManifestUnknown, NameUnknown, PreconditionFailed, TagInvalid, Unsupported
from app.oci.reference import Tag
from app.registry import layout
from app.registry.contracts import Precondition
from app.registry.events import Event, EventAction, Subject
from app.registry.guard import TagGuard
from app.registry.together import together
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.oci.reference import RepositoryName
    from app.registry.events import EventSink
    from drivers.contract import Driver, SupportsCompareAndSwap


class Tags:
    """The tags of one repository.

    Args:
        driver: where they are.
        name: the repository.
        swap: the driver's power to compare and swap; without it preconditions are refused.
        look_back: whether put and delete of one tag look for what the other did meanwhile. Else their race may leave a
            name in the list that is no tag, until it is pushed or deleted again; where each call is a request that is
            the cheaper.
        events: told of removed tags.
    """

    def __init__(
        self,
        driver: Driver,
        name: RepositoryName,
        *,
        swap: SupportsCompareAndSwap | None = None,
        look_back: bool = False,
        events: EventSink | None = None,
    ) -> None:
        self._driver = driver
        self._name = name
        self._swap = swap
        self._look_back = look_back
        self._events = events

    async def get(self, tag: Tag) -> Digest:
        """Return the digest that *tag* was pushed with.

        Raises:
            ManifestUnknown: there is no such tag.
        """
        try:
            return Digest.parse((await self._driver.get(self._current(tag))).decode("ascii", "replace"))
        except (PathNotFound, DigestInvalid):
            raise ManifestUnknown(detail={"tag": tag}) from None

    def guard(self, tag: Tag, precondition: Precondition, *, known: bool = False) -> TagGuard:
        """Return what writes *tag* only if *precondition* holds.

        Raises:
            Unsupported: the store cannot compare and swap, so nothing could be promised.
        """
        if self._swap is None:
            raise Unsupported("this storage backend has no conditional writes, which If-Match and If-None-Match need")
        return TagGuard(self._swap, self._current(tag), precondition, known=known)

    async def put(self, tag: Tag, digest: Digest, *, guard: TagGuard | None = None) -> None:
        """Point *tag* to *digest*, and write its history.

        Without *guard*, whatever it was: the last of several writers wins.

        Raises:
            PreconditionFailed: the guard's precondition does not hold; nothing is written.
        """
        if guard is None:
            await self._driver.put(self._current(tag), digest.encode())
        else:
            await guard.write(digest)
        # Written again at each push: its modification time is when the tag last pointed there.
        index = layout.tag_index(self._name, tag)
        await self._driver.put(layout.link(index, digest), digest.encode())
        if self._look_back:
            try:
                await self._driver.get(self._current(tag))
            except PathNotFound:  # deleted between the two writes: what we wrote would keep its name in the list
                await self._driver.delete_tree(index)

    async def delete(self, tag: Tag, /, *, precondition: Precondition | None = None) -> None:
        """Remove a tag and its history; the manifest stays.

        The tag itself goes after its history, so that what a crash leaves can be seen and deleted again.

        Raises:
            ManifestUnknown: there is no such tag.
            PreconditionFailed: it is not as it must be.
            Unsupported: there is a precondition, and the store cannot compare and swap.
        """
        index = layout.tag_index(self._name, tag)
        if precondition is None:
            try:
                await self._driver.get(self._current(tag))
            except PathNotFound:
                await self._driver.delete_tree(index)  # left by a crash of a push or of somebody else's delete
                raise ManifestUnknown(detail={"tag": tag}) from None
            await self._driver.delete_tree(index)
            await self._driver.delete(self._current(tag))
        else:
            guard = self.guard(tag, precondition, known=True)
            await guard.look()
            await self._driver.delete_tree(index)
            await guard.remove()
        if self._look_back:
            await self._driver.delete_tree(index)
        self._tell_removed(tag)

    async def list(self, *, after: str = "") -> AsyncIterator[Tag]:
        """Yield the tags after *after* in byte order.

        Raises:
            NameUnknown: there is no such repository.
        """
        found = False
        try:
            async for name in self._driver.list(layout.tags(self._name), after=after):
                found = True
                try:
                    tag = Tag.parse(name)
                except TagInvalid:  # clients cannot ask for it
                    continue
                yield tag
        except PathNotFound:
            pass
        if not found and not await self._repository_exists():
            raise NameUnknown(detail={"name": self._name})

    async def remove_those_of(self, digests: frozenset[Digest]) -> None:
        """Remove every tag that points to one of *digests*.

        Where the store can compare and swap, a tag that is moved elsewhere meanwhile stays.
        """

        async def remove(tag: Tag) -> None:
            try:
                if self._swap is not None:
                    await self.delete(tag, precondition=Precondition(digests=digests))
                elif await self.get(tag) in digests:
                    await self.delete(tag)
            except (ManifestUnknown, PreconditionFailed):
                pass

        try:
            tags = [tag async for tag in self.list()]
        except NameUnknown:
            return
        await together(remove, tags)

    async def _repository_exists(self) -> bool:
        """Whether a layer or a manifest is, or was, in the repository; names in it that begin alike sort elsewhere."""
        try:
            async for child in self._driver.list(layout.repository(self._name), after="_"):
                if child in {"_layers", "_manifests"}:
                    return True
                if not child.startswith("_"):
                    return False
        except PathNotFound:
            return False
        return False

    def _current(self, tag: Tag) -> str:
        return layout.tag_current(self._name, tag)

    def _tell_removed(self, tag: Tag) -> None:
        if self._events is not None:
            self._events.emit(Event(EventAction.DELETE, Subject.TAG, self._name, tag=tag))
