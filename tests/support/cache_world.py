"""The world of the cache model as values: backend, Redis, replicas, requests under way; and when two worlds are one.

Epochs, generations and identities are random in the protocol, so only their equality counts. `canonical` gives equal
numbers to worlds that differ in nothing else, which makes a world finite without any budget of events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Holder: TypeAlias = tuple[int, str]  # a replica's "lease", or its "poll" under way

FRESH: Final = 1_000  # an epoch, generation or identity that nobody has seen; `canonical` numbers it
MISSING: Final = -1  # no generation is stored
DEAD: Final = -2  # an epoch that nobody holds or can come to hold


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol, rule by rule; each can be left out to see what it is there for."""

    backend_first: bool = True  # a delete changes the backend, then Redis
    tells_when_absent: bool = True  # also a delete that finds nothing
    drops_generation: bool = True  # by DEL g
    drops_member: bool = True  # and DEL m, which only frees memory
    compares_generation: bool = True  # a hit needs m's generation to be g
    compares_epoch: bool = True  # and m's epoch to be the lease's
    compares_identity: bool = True  # and a connection to the Redis that the lease trusts
    guarded_fill: bool = True  # a fill lands only while g is unchanged
    generation_first: bool = True  # a missing g is created before the backend is asked
    random_generation: bool = True  # g is a nonce, no counter
    epoch_first: bool = True  # a fill carries the epoch held before the backend was asked
    lease_ends: bool = True  # a lease counts for a while only
    lease_from_sending: bool = True  # from the instant before the poll was sent
    delete_looks_again: bool = True  # a delete checks its lease after Redis answered
    new_epoch: bool = True  # a delete that can't tell Redis makes a new epoch
    delete_waits: bool = True  # and waits until older leases have ended
    trusts_none: bool = True  # a new epoch trusts no Redis at first
    trust_waits: bool = True  # and one only after older leases have ended
    start_needs_peer: bool = True  # who starts keeps an epoch only if a live replica answers through its Redis
    kind_in_key: bool = True  # each kind of link has its own membership
    repository_in_key: bool = True  # each repository has its own
    size_is_no_access: bool = True  # that a digest has a size says nothing of who may see it


@dataclass(frozen=True, slots=True)
class Scene:
    """What may go wrong.

    Attributes:
        keys: (repository, kind of link) of the one digest. The first is linked at the start.
        replicas: that are up at the start.
        requests: at once, at most two.
        cut_off: a call to Redis may fail to reach it.
        evicts: Redis drops what it likes.
        pauses: a replica sleeps between the answer of Redis and its use.
        slow_poll: the answer to a replica's poll of ``state/now`` may be late.
        restarts: Redis comes back with nothing, or with a snapshot of old.
        same_identity: it then has the identity it had. No Redis does that.
        crashes: replicas die and start.
        other_program: it deletes while no replica is up.
        two_masters: there are two, and a replica may talk to either at any time.
    """

    keys: tuple[tuple[int, str], ...] = ((0, "layer"),)
    replicas: int = 2
    requests: int = 2
    cut_off: bool = False
    evicts: bool = False
    pauses: bool = False
    slow_poll: bool = False
    restarts: bool = False
    same_identity: bool = False
    crashes: bool = False
    other_program: bool = False
    two_masters: bool = False


class Now(NamedTuple):
    """``state/now``: the epoch, and the identity of the Redis that is trusted in it."""

    epoch: int
    trusted: int | None


class Member(NamedTuple):
    """What Redis holds of a membership."""

    generation: int
    epoch: int


class Redis(NamedTuple):
    """One Redis: a membership for each key, a generation for each repository, whether the digest's size is known."""

    members: tuple[Member | None, ...]
    generations: tuple[int, ...]
    size: bool
    identity: int


class Replica(NamedTuple):
    """One replica. *waits* are the holders of older leases whose end it waits for before it trusts its Redis."""

    up: bool
    server: int
    lease: Now | None = None
    poll: Now | None = None
    waits: frozenset[Holder] | None = None


class Request(NamedTuple):
    """A request in flight; *step* is the call it makes next.

    Attributes:
        wrong: a read: "exists" would be a wrong answer; a delete: its acknowledgement forbids that answer.
        generation, epoch: what a read will fill with, or has found.
        identity: of the Redis that answered.
        waits: the holders of older leases whose end a delete waits for.
    """

    step: str
    replica: int
    key: int
    wrong: bool = False
    generation: int = MISSING
    epoch: int = DEAD
    identity: int = 0
    waits: frozenset[Holder] = frozenset()


class World(NamedTuple):
    """Everything there is.

    Attributes:
        links: what the backend says of each key.
        forbidden: a read of the key that begins now must not answer "exists".
        servers: the Redis there is, or both.
        snapshot: what one of them may come back with.
        requests: what a request began may be done long after its answer.
    """

    links: tuple[bool, ...]
    forbidden: tuple[bool, ...]
    now: Now
    servers: tuple[Redis, ...]
    snapshot: Redis | None
    replicas: tuple[Replica, ...]
    requests: tuple[Request, ...] = ()


class Move(NamedTuple):
    """One step from a world to the next, and whether it is a wrong answer."""

    label: str
    world: World
    wrong: bool = False


def replaced(items: tuple[T, ...], place: int, item: T) -> tuple[T, ...]:
    """A tuple with another item at *place*."""
    return (*items[:place], item, *items[place + 1 :])


def canonical(world: World, rules: Rules, scene: Scene) -> World:
    """Number epochs, generations and identities by first appearance, and forget what can never matter again."""
    leases = [held for replica in world.replicas for held in (replica.lease, replica.poll) if held is not None]
    names = _Names(rules)
    live = dict.fromkeys([world.now.epoch, *(held.epoch for held in leases)])
    names.epochs = {epoch: number for number, epoch in enumerate(live)}
    stored = {g for server in (*world.servers, world.snapshot) if server is not None for g in server.generations}
    servers = tuple(names.server(server, scene) for server in world.servers)
    snapshot = None
    if world.snapshot is not None:
        snapshot = names.server(world.snapshot._replace(identity=world.servers[0].identity), scene)
        awaited = {request.generation for request in world.requests if request.step in _FILLS} - {MISSING}
        if not any(snapshot.members) and awaited.isdisjoint(world.snapshot.generations):
            snapshot = None  # as good as empty
    replicas = tuple(
        replica._replace(
            lease=replica.lease and names.now(replica.lease), poll=replica.poll and names.now(replica.poll)
        )
        for replica in world.replicas
    )
    requests = [names.request(request) for request in world.requests if not _pointless(request, names, stored, rules)]
    if len(requests) == 2 and _order(requests[1]) < _order(requests[0]):
        requests.reverse()
    return World(world.links, world.forbidden, names.now(world.now), servers, snapshot, replicas, tuple(requests))


def _pointless(request: Request, names: _Names, stored: set[int], rules: Rules) -> bool:
    """A fill that can't land any more, or could never be a hit."""
    if request.step != "fill":
        return False
    dead = rules.compares_epoch and rules.epoch_first and request.epoch not in names.epochs
    random = rules.random_generation and rules.generation_first and rules.guarded_fill
    return dead or (random and request.generation not in stored)


def _order(request: Request) -> tuple[object, ...]:
    return (*request[:-1], tuple(sorted(request.waits)))


class _Names:
    """Numbers in the order of first appearance."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.epochs: dict[int, int] = {}
        self._generations: dict[int, int] = {}
        self._identities: dict[int, int] = {}

    def epoch(self, epoch: int) -> int:
        if self._rules.compares_epoch:
            return self.epochs.get(epoch, DEAD)
        return 0

    def generation(self, generation: int) -> int:
        if generation == MISSING or not self._rules.random_generation:
            return generation
        return self._generations.setdefault(generation, len(self._generations))

    def identity(self, identity: int) -> int:
        return self._identities.setdefault(identity, len(self._identities))

    def now(self, now: Now) -> Now:
        return Now(self.epochs[now.epoch], None if now.trusted is None else self.identity(now.trusted))

    def server(self, server: Redis, scene: Scene) -> Redis:
        members: list[Member | None] = []
        for (repository, _), member in zip(scene.keys, server.members, strict=True):
            # Another generation's membership can't count any more, nor one of an epoch that nobody can hold.
            gone = member is None
            if member is not None:
                gone = self._rules.compares_generation and member.generation != server.generations[repository]
                gone = gone or (self._rules.compares_epoch and member.epoch not in self.epochs)
            members.append(None if gone else member)
        generations = tuple(self.generation(generation) for generation in server.generations)
        renamed = tuple(
            None if member is None else Member(self.generation(member.generation), self.epoch(member.epoch))
            for member in members
        )
        return Redis(renamed, generations, server.size, self.identity(server.identity))

    def request(self, request: Request) -> Request:
        return request._replace(
            generation=self.generation(request.generation),
            epoch=self.epoch(request.epoch),
            identity=self.identity(request.identity) if request.step in _KNOWS_REDIS else 0,
        )


_KNOWS_REDIS: Final = ("found", "look")
_FILLS: Final = ("ask", "fill")


def swap(world: World, now: Now, by: int) -> World:
    """``state/now`` is swapped by a replica, whose lease it is; whoever waited to swap the old value must begin anew."""
    replicas = tuple(replica._replace(waits=None) for replica in world.replicas)
    return hold(world._replace(now=now, replicas=replicas), by, now)


def hold(world: World, replica: int, lease: Now) -> World:
    """A replica gets a lease, for which nobody waits."""
    held = world.replicas[replica]._replace(lease=lease)
    return unmark(world._replace(replicas=replaced(world.replicas, replica, held)), (replica, "lease"))


def unmark(world: World, *holders: Holder) -> World:
    """Nobody waits for these any more: they are gone, or hold something newer."""
    return _in_waits(world, lambda waits: waits.difference(holders))


def carry(world: World, source: Holder, target: Holder) -> World:
    """What came late is as old as it was: who waited for *source* waits for *target*."""
    return _in_waits(world, lambda waits: waits - {source} | {target} if source in waits else waits)


def _in_waits(world: World, change: Callable[[frozenset[Holder]], frozenset[Holder]]) -> World:
    return world._replace(
        replicas=tuple(
            replica if replica.waits is None else replica._replace(waits=change(replica.waits))
            for replica in world.replicas
        ),
        requests=tuple(request._replace(waits=change(request.waits)) for request in world.requests),
    )


def older(world: World) -> frozenset[Holder]:
    """The leases, and the polls under way, that are not what ``state/now`` says."""
    return frozenset(
        (number, slot)
        for number, replica in enumerate(world.replicas)
        for slot, held in (("lease", replica.lease), ("poll", replica.poll))
        if held is not None and held != world.now
    )


def lapse(world: World, holders: frozenset[Holder], rules: Rules) -> World:
    """The wait is over: what was read before it began counts no more."""
    for number, slot in holders:
        replica = world.replicas[number]
        if slot == "lease" and rules.lease_ends:
            replica = replica._replace(lease=None)
        elif slot == "poll" and rules.lease_from_sending:
            replica = replica._replace(poll=None)
        world = world._replace(replicas=replaced(world.replicas, number, replica))
    return unmark(world, *holders)
