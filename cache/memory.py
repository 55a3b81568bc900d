"""Descriptors in this process's memory: bounded, gone with the process, shared with nobody."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from app.oci.descriptor import Descriptor
from app.oci.mediatype import OCTET_STREAM
from cache.contract import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from cache.contract import LinkKind

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class _Latest(Generic[K, V]):
    """A dictionary of at most *room* entries, which forgets what was used longest ago."""

    __slots__ = ("_entries", "_room")

    def __init__(self, room: int) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._room = room

    def get(self, key: K) -> V | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._room:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        self._entries.pop(key, None)


@dataclass(frozen=True, slots=True)
class _Member:
    """The repository saw the digest in this generation of its; counts until *expires*."""

    generation: int
    expires: float
    media_type: str


class MemoryCache:
    """A `cache.contract.BlobDescriptorCache` for one process.

    A repository's memberships belong to its generation. A revocation ends it, and with it every membership of the
    repository and every fill that was on its way; so does running out of room for generations.

    Args:
        entries: how many sizes, how many memberships, and how many repositories are remembered.
        membership: whether memberships are remembered at all. Only where no other process changes the same store may
            that be.
        expiry: seconds after which a membership is asked for again; ``None``: never.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        *,
        entries: int = 10_000,
        membership: bool,
        expiry: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._membership = membership
        self._expiry: Final = float("inf") if expiry is None else expiry
        self._clock = clock
        self._next = count(1)
        self._sizes: Final[_Latest[Digest, Descriptor]] = _Latest(entries)
        self._members: Final[_Latest[tuple[RepositoryName, LinkKind, Digest], _Member]] = _Latest(entries)
        self._generations: Final[_Latest[RepositoryName, int]] = _Latest(entries)

    async def lookup(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> Lookup:
        """Return what is known."""
        anywhere = self._sizes.get(digest)
        if not self._membership:
            return Lookup(None, anywhere)
        generation = self._generations.get(repository)
        if generation is None:
            generation = next(self._next)
            self._generations.put(repository, generation)
        key = (repository, kind, digest)
        member = self._members.get(key)
        if member is None or anywhere is None:
            return Lookup(None, anywhere, generation)
        if member.generation != generation or member.expires <= self._clock():
            self._members.drop(key)
            return Lookup(None, anywhere, generation)
        scoped = anywhere
        if member.media_type != OCTET_STREAM:
            scoped = Descriptor(member.media_type, anywhere.size, anywhere.digest)
        return Lookup(scoped, anywhere, generation)

    async def remember(
        self,
        repository: RepositoryName,
        kind: LinkKind,
        digest: Digest,
        descriptor: Descriptor,
        lookup: Lookup,
        /,
    ) -> None:
        """Remember what the backend said after *lookup* was made."""
        canonical = descriptor.digest
        if not canonical.canonical or (digest.canonical and digest != canonical) or descriptor.size < 0:
            return
        # A media type is what one repository says of the content, so it stays there.
        size = Descriptor(OCTET_STREAM, descriptor.size, canonical)
        for name in {digest, canonical}:
            self._sizes.put(name, size)
        generation = self._generations.get(repository)
        if generation is not None and generation == lookup.ticket:
            # Only for the name that was asked: of the content's other names, whose links may be gone, it says nothing.
            member = _Member(generation, self._clock() + self._expiry, descriptor.media_type)
            self._members.put((repository, kind, digest), member)

    async def revoke(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> None:
        """Forget that the repository sees *digest*, and whatever else it sees."""
        self._members.drop((repository, kind, digest))
        self._generations.drop(repository)

    async def forget(self, digest: Digest, /) -> None:
        """Forget the size of a digest whose bytes turned out to be missing; a membership without a size is no hit."""
        self._sizes.drop(digest)
