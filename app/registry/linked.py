"""One repository's view of content: a link is the permission to see it.

The same class serves layers, manifest revisions and signatures; only the folder of the links and their kind differ.
Bytes come in through `app/registry/uploads.py`, which asks for the link when they are safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.oci import mediatype
from app.oci.descriptor import Descriptor
from app.oci.errors import BlobUnknown, Unavailable, Unsupported
from app.registry.events import Event, EventAction, Subject
from cache.contract import CacheUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from app.oci.digest import Algorithm, Digest
    from app.oci.reference import RepositoryName
    from app.registry.blobs import GlobalBlobStore, StoredBlob
    from app.registry.contracts import BlobStatter, BlobWriter, UploadSession
    from app.registry.events import EventSink
    from app.registry.links import Links
    from app.registry.statter import CachedBlobStatter
    from cache.contract import BlobDescriptorCache, LinkKind


class Linker(Protocol):
    """What an upload needs of the repository that it goes to."""

    async def link(self, canonical: Descriptor, asked: Digest, /) -> None:
        """Make content visible that is stored already, also as *asked* if that is another name."""
        ...

    async def linked(self, digest: Digest, /) -> bool:
        """Whether there is a link, whatever the cache believes."""
        ...

    async def stat(self, digest: Digest, /) -> Descriptor:
        """Return the canonical descriptor of what is linked; the cache may answer."""
        ...


class Ingestion(Protocol):
    """The ways in of `app.registry.contracts.BlobIngester` that take more than one step."""

    def begin(self, algorithm: Algorithm | None = None, /) -> UploadSession: ...
    def create(self, digest: Digest, /) -> AbstractAsyncContextManager[BlobWriter]: ...
    def resume(
        self, session: UploadSession, /, *, offset: int | None = None, closing: Digest | None = None
    ) -> AbstractAsyncContextManager[BlobWriter]: ...
    async def status(self, session: UploadSession, /) -> UploadSession: ...
    async def cancel(self, session: UploadSession, /) -> None: ...


class LinkedBlobStore:
    """An `app.registry.contracts.BlobStore`.

    Args:
        repository: whose view it is.
        kind: what its links make visible.
        links: where they are.
        statter: answers from the same links.
        blobs: where the content is.
        cache: the statter's.
        source: the statter of another repository's links of this kind, to mount from; the right to pull from there is
            the caller's business.
        ingestion: takes bytes in and links them here; without it this view takes small content only.
        events: told what happens to blobs; ``None`` for kinds of which somebody else tells.
    """

    __slots__ = (
        "_blobs",
        "_cache",
        "_events",
        "_ingestion",
        "_kind",
        "_links",
        "_repository",
        "_source",
        "_statter",
    )

    def __init__(
        self,
        *,
        repository: RepositoryName,
        kind: LinkKind,
        links: Links,
        statter: CachedBlobStatter,
        blobs: GlobalBlobStore,
        cache: BlobDescriptorCache,
        source: Callable[[RepositoryName], BlobStatter],
        ingestion: Callable[[RepositoryName, Linker], Ingestion] | None = None,
        events: EventSink | None = None,
    ) -> None:
        self._repository = repository
        self._kind = kind
        self._links = links
        self._statter = statter
        self._blobs = blobs
        self._cache = cache
        self._source = source
        self._ingestion = ingestion
        self._events = events

    # Reading.

    async def stat(self, digest: Digest, /) -> Descriptor:
        """Return the canonical descriptor; see `CachedBlobStatter.stat` for what it costs.

        Raises:
            BlobUnknown: not visible here.
        """
        return await self._statter.stat(digest)

    async def open(self, digest: Digest, /) -> StoredBlob:
        """Check access and work out where the bytes are: a stat and no further driver call.

        Raises:
            BlobUnknown: not visible here.
        """
        return self._blobs.open(await self._statter.stat(digest), self._cache.forget)

    async def get(self, digest: Digest, /) -> bytes:
        """Return a small blob whole: a stat and one driver call.

        Raises:
            BlobUnknown: not visible here, or its bytes are missing.
        """
        return await (await self.open(digest)).read()

    async def linked(self, digest: Digest, /) -> bool:
        """Whether there is a link, whatever the cache believes. One driver call."""
        return await self._links.exists(digest)

    def pulled(self, descriptor: Descriptor, /) -> None:
        """Tell the listeners that somebody has read the blob; the caller knows, since it moves the bytes."""
        if self._events is not None:
            self._emit(EventAction.PULL, descriptor)

    # Writing.

    async def put(self, content: bytes, media_type: str, /) -> Descriptor:
        """Store a small blob whole and link it. Two driver calls in sequence."""
        stored = await self._blobs.put(content)
        await self.link(stored, stored.digest)
        return Descriptor(media_type, stored.size, stored.digest)

    async def link(self, canonical: Descriptor, asked: Digest, /) -> None:
        """Make stored content visible here, also as *asked* if that is another name.

        One driver call a name. The cache learns of it when it is true, and only if nothing was deleted meanwhile.
        """
        await self._link(canonical, asked)
        if self._events is not None:
            self._emit(EventAction.PUSH, canonical, asked)

    async def mount(self, source: RepositoryName, digest: Digest, /) -> Descriptor:
        """Make a blob of *source* visible here: a stat there and one driver call a name.

        Raises:
            BlobUnknown: *source* does not see it.
        """
        descriptor = await self._source(source).stat(digest)
        await self._link(descriptor, digest)
        if self._events is not None:
            self._emit(EventAction.MOUNT, descriptor, digest, source)
        return descriptor

    async def delete(self, digest: Digest, /) -> None:
        """Take the blob out of this repository's view under all its names; the bytes stay for the collector.

        The backend first, then the cache, also when the link was gone already: whoever removed it may have died before
        he told the cache. Interrupted, it can be repeated: the name that was asked for goes last.

        Raises:
            BlobUnknown: it is not visible here.
            Unavailable: the cache may still say that it is; asking again may help.
        """
        names = {digest: None}
        try:
            found = await self._links.names(digest)
            names |= dict.fromkeys(found)
            for name in found:
                await self._links.remove(name)
        finally:
            await self.revoke(*names)
        if digest not in found:
            raise BlobUnknown(detail={"digest": digest})
        if self._events is not None:
            # Only the name is known: asking for the size would be a driver call that no one but listeners needs.
            canonical = next(name for name in found if name.canonical)
            self._emit(EventAction.DELETE, Descriptor(mediatype.OCTET_STREAM, 0, canonical))

    async def revoke(self, *names: Digest) -> None:
        """Let the cache forget that *names* are visible here; the backend comes first and is the caller's business.

        Raises:
            Unavailable: the cache may still say that they are.
        """
        try:
            for name in names:
                await self._cache.revoke(self._repository, self._kind, name)
        except CacheUnavailable:
            raise Unavailable("the cache cannot be told of the deletion now") from None

    # Sessions.

    def begin(self, algorithm: Algorithm | None = None, /) -> UploadSession:
        """See `app.registry.contracts.BlobIngester.begin`."""
        return self._ways_in().begin(algorithm)

    def create(self, digest: Digest, /) -> AbstractAsyncContextManager[BlobWriter]:
        """See `app.registry.contracts.BlobIngester.create`."""
        return self._ways_in().create(digest)

    def resume(
        self, session: UploadSession, /, *, offset: int | None = None, closing: Digest | None = None
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """See `app.registry.contracts.BlobIngester.resume`."""
        return self._ways_in().resume(session, offset=offset, closing=closing)

    async def status(self, session: UploadSession, /) -> UploadSession:
        """See `app.registry.contracts.BlobIngester.status`."""
        return await self._ways_in().status(session)

    async def cancel(self, session: UploadSession, /) -> None:
        """See `app.registry.contracts.BlobIngester.cancel`."""
        await self._ways_in().cancel(session)

    def _ways_in(self) -> Ingestion:
        if self._ingestion is None:
            raise Unsupported
        return self._ingestion(self._repository, self)

    async def _link(self, canonical: Descriptor, asked: Digest) -> None:
        # Looked up before the write: what is revoked from now on must not come back by what we remember below.
        lookup = await self._statter.lookup(asked)
        await self._links.write(canonical.digest, asked)
        await self._statter.remember(asked, canonical, lookup)

    def _emit(
        self,
        action: EventAction,
        descriptor: Descriptor,
        asked: Digest | None = None,
        source: RepositoryName | None = None,
    ) -> None:
        if self._events is not None:
            alias = None if asked == descriptor.digest else asked
            event = Event(action, Subject.BLOB, self._repository, descriptor, source=source, alias=alias)
            self._events.emit(event)
