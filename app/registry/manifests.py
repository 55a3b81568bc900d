"""The manifests of one repository: what it means to put, get and delete one, and in which order things are written.

Bytes, then links, then tags: a crash at any point leaves what the collector takes away, never a tag that leads nowhere.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from app.oci import mediatype
from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.errors import DigestInvalid, ManifestBlobUnknown, ManifestUnknown, Problems, SizeInvalid
from app.registry.contracts import StoredManifest
from app.registry.events import Event, EventAction, Subject
from app.registry.payloads import parse_manifest
from app.registry.together import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from app.oci.manifest import Manifest
    from app.oci.reference import Reference, RepositoryName, Tag
    from app.registry.contracts import Precondition
    from app.registry.events import EventSink
    from app.registry.index import RepositoryIndex
    from app.registry.payloads import Payloads
    from app.registry.references import References
    from app.registry.referrers import ReferrerIndex
    from app.registry.revisions import Revisions
    from app.registry.rules import ManifestRules
    from app.registry.tags import Tags

T = TypeVar("T")


class Manifests:
    """An `app.registry.contracts.ManifestStore`.

    Args:
        name: the repository.
        rules: what a manifest must satisfy.
        references: tells whether what it names is in the repository.
        payloads: the bytes of all manifests.
        revisions: the repository's links to them.
        referrers: which of them name another as their subject.
        tags: the repository's tags.
        index: of all repositories.
        events: told of manifests that are pushed, pulled and deleted.
    """

    __slots__ = (
        "_events",
        "_index",
        "_name",
        "_payloads",
        "_references",
        "_referrers",
        "_revisions",
        "_rules",
        "_tags",
    )

    def __init__(
        self,
        name: RepositoryName,
        *,
        rules: ManifestRules,
        references: References,
        payloads: Payloads,
        revisions: Revisions,
        referrers: ReferrerIndex,
        tags: Tags,
        index: RepositoryIndex,
        events: EventSink | None = None,
    ) -> None:
        self._name = name
        self._rules = rules
        self._references = references
        self._payloads = payloads
        self._revisions = revisions
        self._referrers = referrers
        self._tags = tags
        self._index = index
        self._events = events

    async def resolve(self, reference: Reference, /) -> Digest:
        """Return the digest that *reference* stands for: a tag's is the one it was pushed with.

        Raises:
            ManifestUnknown: no such tag, or the digest is not visible here as a manifest.
        """
        digest, _ = await self._follow(reference, self._revisions.resolve)
        return digest

    async def get(self, reference: Reference, /) -> StoredManifest:
        """Return a manifest, its bytes exactly as pushed.

        By digest no driver call when cache and process know it, at most two side by side when they do not; by tag one
        more, before those.

        Raises:
            ManifestUnknown: not visible here.
        """
        digest, manifest = await self._follow(reference, self._revisions.get)
        return StoredManifest(manifest, digest)

    async def put(
        self,
        content: bytes,
        media_type: str,
        /,
        *,
        digest: Digest | None = None,
        tags: Sequence[Tag] = (),
        precondition: Precondition | None = None,
    ) -> StoredManifest:
        """Check, store, link and tag a manifest; see `app.registry.contracts.ManifestStore.put`.

        With a single tag and no subject four writes and one read in sequence, beside what the references cost, and a
        look at the link that the cache may answer. After cancellation or a failure the manifest may be stored, and
        visible by digest, but no tag points to anything that was not stored whole; to push again completes it.

        Raises:
            ManifestInvalid, ManifestTooLarge, SizeInvalid: the document is refused.
            DigestInvalid: the content is not that of *digest*.
            ManifestBlobUnknown, Problems: references that are not visible in this repository.
            PreconditionFailed: the tag is not as it must be.
            Unsupported: there is a precondition, and the store has no conditional writes.
        """
        self._rules.check_size(len(content))
        manifest = await parse_manifest(content, media_type)
        pushed = _checked(manifest, digest)
        self._rules.check_urls(manifest)
        guard = None
        if precondition is not None:
            (tag,) = tags
            guard = self._tags.guard(tag, precondition)
            await guard.look()
        await self._references.check(manifest)

        await self._payloads.put(manifest)
        await self._referrers.add(manifest, pushed)
        new = await self._revisions.put(manifest, pushed)
        # Again: a delete under way may have taken the entry, and then the link that was there before ours.
        await self._referrers.add(manifest, pushed)
        await self._index.add(self._name)
        try:
            # Only from here on does the collector see what the manifest names. What it took before, we must notice.
            await self._references.confirm(manifest)
        except (ManifestBlobUnknown, SizeInvalid, Problems):
            if new:
                await self._revisions.delete(pushed)
            raise

        async def point(tag: Tag) -> None:
            await self._referrers.adopt(tag, manifest)
            await self._tags.put(tag, pushed, guard=guard)

        await together(point, tags)
        if tags:
            await self._restore(manifest, pushed)
        for used in tags or (None,):
            self._tell(EventAction.PUSH, _descriptor(manifest, pushed), used)
        return StoredManifest(manifest, pushed)

    async def delete(self, digest: Digest, /) -> None:
        """Remove a manifest, every tag that points to it, and its entry in its subject's referrers.

        What names it as subject stays listed. Interrupted, it can be repeated: the link that makes it visible goes
        after the tags. A tag that is put meanwhile is looked for once more at the end.

        Raises:
            ManifestUnknown: not visible here; the cache is told nevertheless.
            Unavailable: backend or cache failed; to try again is safe.
        """
        try:
            canonical = await self._revisions.resolve(digest)
        except ManifestUnknown:
            # Whoever removed it may have died before the cache was told. The backend is left alone: a push that has
            # come since is none of this request's.
            await self._revisions.revoke(digest)
            raise
        names = {digest, canonical}
        manifest = None
        descriptor = Descriptor(mediatype.OCTET_STREAM, 0, digest)
        with suppress(ManifestUnknown):  # its bytes may be lost; it can be deleted all the same
            manifest = await self._payloads.get(canonical)
            names |= {Digest.of(manifest.raw, algorithm) for algorithm in Algorithm}
            descriptor = _descriptor(manifest, digest)
        await self._tags.remove_those_of(frozenset(names))
        await self._revisions.delete(digest)
        await self._tags.remove_those_of(frozenset(names))
        if manifest is not None:
            await self._forget_referrer(manifest, names)
        self._tell(EventAction.DELETE, descriptor)

    def pulled(self, stored: StoredManifest, /, *, tag: Tag | None = None) -> None:
        """Tell the listeners that *stored* was sent to a client, who asked for it by *tag* if that is given."""
        if self._events is not None:
            self._tell(EventAction.PULL, _descriptor(stored.manifest, stored.digest), tag)

    async def _restore(self, manifest: Manifest, pushed: Digest) -> None:
        """Link a manifest again that was deleted after its link was written and before its tags were.

        A delete that removes the link after this look finds the tags when it looks for them once more.
        """
        try:
            await self._revisions.resolve(pushed)
        except ManifestUnknown:
            await self._referrers.add(manifest, pushed)
            await self._revisions.put(manifest, pushed)

    async def _forget_referrer(self, manifest: Manifest, names: Iterable[Digest]) -> None:
        """Remove the entries of a manifest that was deleted, unless it was pushed again meanwhile."""
        if manifest.subject is None:
            return
        await self._referrers.remove(manifest.subject.digest, names)
        for name in names:
            with suppress(ManifestUnknown):
                await self._revisions.resolve(name)
                await self._referrers.add(manifest, name)

    async def _follow(self, reference: Reference, look: Callable[[Digest], Awaitable[T]]) -> tuple[Digest, T]:
        """Return the digest that *reference* stands for, and what *look* says of it.

        A tag may move while we look, and what it left be deleted: then it is followed again.
        """
        if isinstance(reference, Digest):
            return reference, await look(reference)
        digest = await self._tags.get(reference)
        while True:
            try:
                return digest, await look(digest)
            except ManifestUnknown:
                left, digest = digest, await self._tags.get(reference)
                if digest == left:
                    raise

    def _tell(self, action: EventAction, descriptor: Descriptor, tag: Tag | None = None) -> None:
        if self._events is not None:
            self._events.emit(Event(action, Subject.MANIFEST, self._name, descriptor, tag))


def _descriptor(manifest: Manifest, digest: Digest) -> Descriptor:
    return Descriptor(manifest.media_type, len(manifest.raw), digest)


def _checked(manifest: Manifest, digest: Digest | None) -> Digest:
    """Return the digest that answers the push: *digest* if it is that of the bytes, the canonical one if there is none.

    Raises:
        DigestInvalid: it is not.
    """
    if digest is None:
        return manifest.digest
    found = manifest.digest if digest.canonical else Digest.of(manifest.raw, digest.algorithm)
    if found != digest:
        raise DigestInvalid(detail={"expected": digest, "found": found})
    return digest
