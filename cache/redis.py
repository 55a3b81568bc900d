"""Descriptors in a Redis that all replicas share. It may be empty, slow, dead, restored or foreign: then it is a miss.

A hit is one MGET of the membership, the repository's generation and the size. A membership counts in its generation,
and in the epoch whose lease is held when Redis has answered, and only from the one Redis that this lease trusts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.oci.descriptor import Descriptor
from app.oci.mediatype import OCTET_STREAM
from cache.codec import NONCE_BYTES, Member, ValueInvalid
from cache.connect import RedisUnreachable
from cache.contract import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName
    from cache.breaker import Breaker
    from cache.codec import Codec, Keys
    from cache.connect import Redis
    from cache.contract import LinkKind, Trust

_MEMBER_SECONDS: Final = 600
_SIZE_SECONDS: Final = 3_600
_GENERATION_SECONDS: Final = 86_400
_FILL: Final = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
end
"""
_SPENT: Final = Lookup(left=0.0)
"""Nothing is known, and this request asks no more."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    """The generation as Redis holds it, and the epoch that was held, both before the backend is asked."""

    generation: bytes
    epoch: str


class RedisCache:
    """A `cache.contract.BlobDescriptorCache` for many processes on one store.

    Args:
        redis: the server.
        keys: the names of the store's values.
        codec: their form, under the store's secret.
        trust: whom to believe.
        breaker: leaves a sick server alone.
        random_bytes: for generations.
        clock: seconds that only ever grow.
        deadline: seconds of wall clock for all that one request asks of Redis: a lookup and the fill that follows have
            them together, and so has a revocation.
    """

    __slots__ = ("_breaker", "_clock", "_codec", "_deadline", "_keys", "_random_bytes", "_redis", "_trust")

    def __init__(
        self,
        redis: Redis,
        *,
        keys: Keys,
        codec: Codec,
        trust: Trust,
        breaker: Breaker,
        random_bytes: Callable[[int], bytes],
        clock: Callable[[], float],
        deadline: float = 0.05,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._codec = codec
        self._trust = trust
        self._breaker = breaker
        self._random_bytes = random_bytes
        self._clock = clock
        self._deadline = deadline

    async def lookup(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> Lookup:
        """Return what is known: one round trip, and another where the repository has no generation."""
        m = self._keys.member(repository, kind, digest)
        g = self._keys.generation(repository)
        d = self._keys.size(digest)
        end = self._clock() + self._deadline
        try:
            ((member, generation, size),), identity = await self._ask((b"MGET", m, g, d), end=end)
        except RedisUnreachable:
            return _SPENT
        anywhere = self._size(digest, d, size)
        lease = self._trust.lease()
        if lease is None or lease.redis != identity:
            return Lookup(None, anywhere, left=end - self._clock())
        nonce = self._nonce(g, generation)
        if nonce is None:
            return await self._begin(g, generation, anywhere, end)
        ticket = _Ticket(generation, lease.epoch)
        scoped = None
        if member is not None and anywhere is not None:
            scoped = self._scoped(m, member, Member(nonce, self._codec.epoch(lease.epoch)), anywhere)
        return Lookup(scoped, anywhere, ticket, end - self._clock())

    async def remember(
        self,
        repository: RepositoryName,
        kind: LinkKind,
        digest: Digest,
        descriptor: Descriptor,
        lookup: Lookup,
        /,
    ) -> None:
        """Remember what the backend said after *lookup* was made, in what that has left of the deadline."""
        canonical = descriptor.digest
        if not canonical.canonical or (digest.canonical and digest != canonical) or descriptor.size < 0:
            return
        # A cluster has no one slot for these, so each is a command of its own.
        commands: list[Sequence[bytes | int]] = []
        for name in {digest, canonical}:
            d = self._keys.size(name)
            commands.append((b"SET", d, self._codec.seal_size(d, descriptor), b"EX", _SIZE_SECONDS))
        if isinstance(lookup.ticket, _Ticket):
            commands.append(self._fill(repository, kind, digest, descriptor.media_type, lookup.ticket))
        left = self._deadline if lookup.left is None else lookup.left
        try:
            await self._ask(*commands, end=self._clock() + left)
        except RedisUnreachable:
            return

    async def revoke(self, repository: RepositoryName, kind: LinkKind, digest: Digest, /) -> None:
        """Forget that the repository sees *digest*, and whatever else it sees."""
        m = self._keys.member(repository, kind, digest)
        g = self._keys.generation(repository)
        try:
            _, identity = await self._ask((b"DEL", g, m))
        except RedisUnreachable:
            await self._trust.abandon()
            return
        # Only now: the lease may have ended, or the trusted Redis be another, while this one answered.
        lease = self._trust.lease()
        if lease is None or lease.redis != identity:
            await self._trust.abandon()

    async def forget(self, digest: Digest, /) -> None:
        """Forget the size of a digest whose bytes turned out to be missing; a membership without a size is no hit."""
        try:
            await self._ask((b"DEL", self._keys.size(digest)))
        except RedisUnreachable:
            return

    async def _ask(self, *commands: Sequence[bytes | int], end: float | None = None) -> tuple[list[Any], str]:
        """Ask until *end*, on our clock; without one this is all that the request asks."""
        left = self._deadline if end is None else end - self._clock()
        if left <= 0 or not self._breaker.admits():
            raise RedisUnreachable
        try:
            async with asyncio.timeout(left):
                answer = await self._redis.ask(*commands)
        except (TimeoutError, RedisUnreachable):
            self._breaker.failed()
            raise RedisUnreachable from None
        self._breaker.succeeded()
        return answer

    async def _begin(self, g: bytes, wrong: bytes | None, anywhere: Descriptor | None, end: float) -> Lookup:
        """Begin a generation where there is none, or a value that is none of ours; all who come at once share it."""
        fresh = self._codec.seal_nonce(g, self._random_bytes(NONCE_BYTES))
        clear: list[Sequence[bytes | int]] = [] if wrong is None else [(b"DEL", g)]
        try:
            answers, identity = await self._ask(
                *clear, (b"SET", g, fresh, b"EX", _GENERATION_SECONDS, b"NX"), (b"GET", g), end=end
            )
        except RedisUnreachable:
            return Lookup(None, anywhere, left=0.0)
        lease = self._trust.lease()
        generation = answers[-1]
        believed = lease is not None and lease.redis == identity and self._nonce(g, generation) is not None
        ticket = _Ticket(generation, lease.epoch) if lease is not None and believed else None
        return Lookup(None, anywhere, ticket, end - self._clock())

    def _fill(
        self, repository: RepositoryName, kind: LinkKind, digest: Digest, media_type: str, ticket: _Ticket
    ) -> Sequence[bytes | int]:
        m = self._keys.member(repository, kind, digest)
        g = self._keys.generation(repository)
        said = "" if media_type == OCTET_STREAM else media_type
        nonce = self._codec.open_nonce(g, ticket.generation)
        value = self._codec.seal_member(m, Member(nonce, self._codec.epoch(ticket.epoch), said))
        return (b"EVAL", _FILL, 2, g, m, ticket.generation, value, _MEMBER_SECONDS)

    def _scoped(self, m: bytes, value: bytes, now: Member, anywhere: Descriptor) -> Descriptor | None:
        try:
            found = self._codec.open_member(m, value)
        except ValueInvalid:
            return None
        if (found.generation, found.epoch) != (now.generation, now.epoch):
            return None
        return Descriptor(found.media_type or OCTET_STREAM, anywhere.size, anywhere.digest)

    def _nonce(self, g: bytes, value: bytes | None) -> bytes | None:
        try:
            return None if value is None else self._codec.open_nonce(g, value)
        except ValueInvalid:
            return None

    def _size(self, digest: Digest, d: bytes, value: bytes | None) -> Descriptor | None:
        try:
            found = None if value is None else self._codec.open_size(d, value)
        except ValueInvalid:
            return None
        if found is not None and digest.canonical and found.digest != digest:
            return None
        return found
