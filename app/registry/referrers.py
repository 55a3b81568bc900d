"""Which manifests of one repository name a digest as their subject (distribution-spec, "Listing Referrers").

There is one small file for each pair, written before the manifest becomes visible and believed only while it is: so
a crash hides nothing, and nothing has to be removed at the right moment. Older clients kept these lists themselves, as
an index under a tag made from the digest; what such an index names is folded in.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import aclosing, suppress
from itertools import compress
from typing import TYPE_CHECKING, Final

import msgspec

from app.oci.descriptor import Descriptor
from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, ManifestUnknown
from app.oci.reference import Tag
from app.registry import layout
from app.registry.recent import Recent
from app.registry.together import AT_ONCE, together
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from app.oci.manifest import Manifest
    from app.oci.reference import RepositoryName
    from app.registry.revisions import Revisions
    from app.registry.tags import Tags
    from drivers.contract import Driver

ROOM: Final = 8 << 20  # bytes of descriptors that one process remembers
LISTS: Final = 16_384  # subjects of which one process remembers what older clients knew
_FIXED: Final = 512  # bytes that a descriptor takes beside its artifact type and annotations
_FALLBACK: Final = re.compile(r"sha(?:256|512)-[0-9a-f]{64}")


def fallback_tag(subject: Digest) -> Tag:
    """Return the tag under which older clients list the referrers of *subject*.

    Source: distribution-spec, "Referrers Tag Schema": 64 characters of the encoded part at most.
    """
    return Tag(f"{subject.algorithm}-{subject.hex[:64]}")


class ReferrersMemory:
    """What can't change and so may be remembered, for all repositories of a process."""

    __slots__ = ("descriptors", "older")

    def __init__(self) -> None:
        self.descriptors: Final[Recent[Digest, Descriptor]] = Recent(ROOM, _weight)
        self.older: Final[Recent[tuple[RepositoryName, Digest], tuple[Digest, ...]]] = Recent(LISTS, _length)


class ReferrerIndex:
    """The referrers of one repository."""

    __slots__ = ("_driver", "_memory", "_name", "_revisions", "_tags")

    def __init__(
        self, driver: Driver, name: RepositoryName, *, revisions: Revisions, tags: Tags, memory: ReferrersMemory
    ) -> None:
        self._driver = driver
        self._name = name
        self._revisions = revisions
        self._tags = tags
        self._memory = memory

    async def add(self, manifest: Manifest, digest: Digest) -> None:
        """Enter *manifest*, pushed as *digest*, for its subject, if it has one. One driver call."""
        if manifest.subject is not None:
            path = layout.referrer(self._name, manifest.subject.digest, digest)
            await self._driver.put(path, _encode(_describe(manifest, digest)))

    async def remove(self, subject: Digest, digests: Iterable[Digest]) -> None:
        """Remove the entries of *digests*. Absence is no error."""
        for digest in digests:
            await self._driver.delete(layout.referrer(self._name, subject, digest))

    async def adopt(self, tag: Tag, manifest: Manifest) -> None:
        """Enter what an older client lists under *tag*, which now points to *manifest*.

        Does nothing unless *tag* is of the referrers tag schema. From then on every process finds the entries, so that
        what one has remembered of the tag before does no harm.
        """
        if _FALLBACK.fullmatch(tag) is None:
            return

        async def enter(digest: Digest) -> None:
            try:
                found = await self._revisions.get(digest)
            except ManifestUnknown:
                return
            if found.subject is not None and fallback_tag(found.subject.digest) == tag:
                await self.add(found, digest)

        await together(enter, _named_by(manifest))

    async def list(self, subject: Digest, /, *, artifact_type: str = "", after: str = "") -> AsyncGenerator[Descriptor]:
        """Yield the descriptors of those that are visible here, in order of digest, after the digest *after*.

        One listing, and one read for each descriptor that this process does not know yet; for what older clients
        listed, their tag is looked up once. *artifact_type* leaves only those of that type.
        """
        batch: list[Digest] = []
        async with aclosing(self._names(subject, after)) as names:
            async for digest in names:
                batch.append(digest)
                if len(batch) == AT_ONCE:
                    for descriptor in await self._visible(subject, batch, artifact_type):
                        yield descriptor
                    batch = []
        for descriptor in await self._visible(subject, batch, artifact_type):
            yield descriptor

    async def _names(self, subject: Digest, after: str) -> AsyncGenerator[Digest]:
        """Yield what may be a referrer, in order: the entries' names, and those that older clients knew."""
        async with aclosing(self._entries(subject, after)) as entries:
            known, first = await asyncio.gather(self._older(subject), anext(entries, None), return_exceptions=True)
            if isinstance(known, BaseException):
                raise known
            if isinstance(first, BaseException):
                raise first
            older = deque(digest for digest in known if digest > after)
            digest = first
            while digest is not None:
                while older and older[0] < digest:
                    yield older.popleft()
                if older and older[0] == digest:
                    older.popleft()
                yield digest
                digest = await anext(entries, None)
        for digest in older:
            yield digest

    async def _entries(self, subject: Digest, after: str) -> AsyncGenerator[Digest]:
        """Yield what there is an entry for. Their names sort as the digests do."""
        try:
            async for name in self._driver.list(layout.referrers(self._name, subject), after=after.replace(":", "-")):
                with suppress(DigestInvalid):  # else it is not ours
                    yield Digest.parse(name.replace("-", ":", 1))
        except PathNotFound:
            pass

    async def _older(self, subject: Digest) -> tuple[Digest, ...]:
        """Return the referrers that older clients listed under their tag before this process first looked."""
        key = (self._name, subject)
        try:
            return self._memory.older.get(key)
        except KeyError:
            pass

        async def of_subject(digest: Digest) -> bool:
            try:
                manifest = await self._revisions.get(digest)
            except ManifestUnknown:
                return False
            return manifest.subject is not None and manifest.subject.digest == subject

        try:
            index = await self._revisions.get(await self._tags.get(fallback_tag(subject)))
        except ManifestUnknown:
            found: tuple[Digest, ...] = ()
        else:
            listed = sorted(_named_by(index))
            found = tuple(compress(listed, await together(of_subject, listed)))
        self._memory.older.put(key, found)
        return found

    async def _visible(self, subject: Digest, digests: Sequence[Digest], artifact_type: str) -> Sequence[Descriptor]:
        """Describe those of *digests* that are visible here and of *artifact_type*."""

        async def read(digest: Digest) -> Descriptor:
            return await self._descriptor(subject, digest)

        async def describe(digest: Digest) -> Sequence[Descriptor]:
            try:
                descriptor = await self._revisions.describe(digest, read)
            except ManifestUnknown:  # deleted, or not there yet
                return []
            return [descriptor] if artifact_type in {"", descriptor.artifact_type} else []

        return [descriptor for found in await together(describe, digests) for descriptor in found]

    async def _descriptor(self, subject: Digest, digest: Digest) -> Descriptor:
        try:
            return self._memory.descriptors.get(digest)
        except KeyError:
            pass
        try:
            descriptor = _decode(await self._driver.get(layout.referrer(self._name, subject, digest)), digest)
        except (PathNotFound, msgspec.DecodeError):  # the manifest itself says the same
            descriptor = _describe(await self._revisions.get(digest), digest)
        self._memory.descriptors.put(digest, descriptor)
        return descriptor


def _describe(manifest: Manifest, digest: Digest) -> Descriptor:
    return Descriptor(
        media_type=manifest.media_type,
        size=len(manifest.raw),
        digest=digest,
        artifact_type=manifest.artifact_type,
        annotations=manifest.annotations,
    )


def _named_by(index: Manifest) -> list[Digest]:
    return [*dict.fromkeys(descriptor.digest for descriptor in index.manifests)]


class _Entry(msgspec.Struct, rename="camel", omit_defaults=True):
    media_type: str
    size: int
    digest: str
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


def _encode(descriptor: Descriptor) -> bytes:
    annotations = descriptor.annotations
    return msgspec.json.encode(
        _Entry(
            descriptor.media_type,
            descriptor.size,
            str(descriptor.digest),
            descriptor.artifact_type,
            None if annotations is None else dict(annotations),
        )
    )


def _decode(raw: bytes, digest: Digest) -> Descriptor:
    """Return the descriptor in an entry for *digest*.

    Raises:
        msgspec.DecodeError: there is none, or it is of other content.
    """
    entry = msgspec.json.decode(raw, type=_Entry)
    if entry.digest != digest:
        raise msgspec.DecodeError("the entry is of another manifest")
    return Descriptor(entry.media_type, entry.size, digest, entry.artifact_type, entry.annotations)


def _weight(descriptor: Descriptor) -> int:
    annotations = sum(len(key) + len(value) for key, value in (descriptor.annotations or {}).items())
    return _FIXED + len(descriptor.artifact_type or "") + annotations


def _length(digests: tuple[Digest, ...]) -> int:
    return 1 + len(digests)
