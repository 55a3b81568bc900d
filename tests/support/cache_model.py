"""The coherence of the descriptor cache, explored exhaustively; `cache/redis.py` and `app/registry/epoch.py` follow it.

Two replicas and two requests, each on any replica, share a backend with links, a Redis (or two: split brain) and
``state/now``. One move is one call. There is no budget: what can happen may happen any number of times.

Time: a lease may be lost at any moment, which takes nothing but hits away; a wait ends exactly those leases, and polls
under way, that were read before it began.

What must hold, in every state:

- a read that begins after a delete of its link was acknowledged (404 counts), or before the link ever was, never says
  "exists", unless a push has written the link since that delete changed the backend;
- once all is healthy again, the second read of a link that exists is a hit.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.cache_requests import Requests
from tests.support.cache_world import (
    FRESH,
    MISSING,
    Move,
    Now,
    Redis,
    Replica,
    Rules,
    Scene,
    World,
    canonical,
    carry,
    hold,
    lapse,
    older,
    replaced,
    swap,
    unmark,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STALE: Final = "a stale answer"
NO_HIT: Final = "all is healthy, and the second read is no hit"


class Exploration(NamedTuple):
    """How many worlds were seen, what was wrong first, and the moves that led there."""

    worlds: int
    wrong: str = ""
    trace: tuple[str, ...] = ()


def explore(rules: Rules, scene: Scene) -> Exploration:
    """Try every order of events in *scene*, shortest first, up to the first violation."""
    protocol = Protocol(rules, scene)
    start = protocol.start()
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    ahead = deque([start])

    def trace(world: World, label: str) -> tuple[str, ...]:
        labels = [label]
        at = came_from[world]
        while at is not None:
            labels.append(at[1])
            at = came_from[at[0]]
        return tuple(reversed(labels))

    while ahead:
        world = ahead.popleft()
        for label, after, wrong in protocol.moves(world):
            if wrong:
                return Exploration(len(came_from), STALE, trace(world, label))
            known = canonical(after, rules, scene)
            if known not in came_from:
                came_from[known] = (world, label)
                ahead.append(known)
    for world in protocol.sick(came_from):
        return Exploration(len(came_from), NO_HIT, trace(world, "all is healthy"))
    return Exploration(len(came_from))


class Protocol(Requests):
    """What can happen next, whoever does it."""

    def start(self) -> World:
        """The first key is linked, nothing is cached, and Redis is trusted."""
        count = len(self.scene.keys)
        repositories = 1 + max(repository for repository, _ in self.scene.keys)
        # Of a single key the size may always be known: a hit needs m, g and the epoch.
        empty = Redis((None,) * count, (MISSING,) * repositories, size=count == 1, identity=0)
        servers = (empty, empty._replace(identity=1)) if self.scene.two_masters else (empty,)
        up, down = Replica(True, 0, Now(0, 0)), Replica(False, 0)  # noqa: FBT003  # a value, not a switch
        replicas = (up,) * self.scene.replicas + (down,) * (2 - self.scene.replicas)
        links = (True,) + (False,) * (count - 1)
        forbidden = tuple(not link for link in links)
        return canonical(World(links, forbidden, Now(0, 0), servers, None, replicas), self.rules, self.scene)

    def moves(self, world: World) -> Iterator[Move]:
        """Everything that can happen next."""
        for number, replica in enumerate(world.replicas):
            yield from self._lives(world, number) if replica.up else self._starts(world, number)
            if self.scene.two_masters:
                other = replica._replace(server=1 - replica.server)
                after = world._replace(replicas=replaced(world.replicas, number, other))
                yield Move(f"{'AB'[number]} talks to Redis {other.server}", after)
        for number in range(len(world.servers)):
            yield from self._redis(world, number)
        if self.scene.other_program and world.links[0] and not any(replica.up for replica in world.replicas):
            gone = world._replace(links=replaced(world.links, 0, False))  # noqa: FBT003  # an item, not a switch
            yield Move("another program deletes the link", self._forbid(gone, 0))
        yield from self._arrivals(world)
        yield from self._steps(world)

    # Replicas.

    def _lives(self, world: World, number: int) -> Iterator[Move]:
        name = "AB"[number]
        replica, now = world.replicas[number], world.now
        identity = world.servers[replica.server].identity
        if replica.lease != now:
            yield Move(f"{name} polls", hold(world, number, now))
        if self.scene.slow_poll and number == 0:
            yield from self._polls_slowly(world, number)
        strange = identity != now.trusted and (now.trusted is not None or not self.rules.trusts_none)
        if strange and self.rules.compares_identity:
            yield Move(f"{name} meets a strange Redis: new epoch", self._raise_epoch(world, number))
        if self.rules.trusts_none and now.trusted is None:
            if replica.waits is None:
                waiting = replica._replace(waits=older(world))
                after = world._replace(replicas=replaced(world.replicas, number, waiting))
                yield Move(f"{name} waits to trust its Redis", after)
            else:
                waited = lapse(world, replica.waits if self.rules.trust_waits else frozenset(), self.rules)
                yield Move(f"{name} trusts its Redis", swap(waited, Now(now.epoch, identity), number))
        if self.scene.crashes:
            dead = world._replace(
                replicas=replaced(world.replicas, number, Replica(up=False, server=replica.server)),
                requests=tuple(request for request in world.requests if request.replica != number),
            )
            yield Move(f"{name} dies", unmark(dead, (number, "lease"), (number, "poll")))

    @staticmethod
    def _polls_slowly(world: World, number: int) -> Iterator[Move]:
        name = "AB"[number]
        replica = world.replicas[number]
        lease, poll = (number, "lease"), (number, "poll")
        if replica.poll is not None:
            # The answer is as old as its poll: who waits for the one waits for the other.
            late = replica._replace(lease=replica.poll, poll=None)
            after = world._replace(replicas=replaced(world.replicas, number, late))
            yield Move(f"{name}'s poll is answered late", carry(unmark(after, lease), poll, lease))
        elif replica.lease != world.now:
            polling = replica._replace(poll=world.now)
            after = world._replace(replicas=replaced(world.replicas, number, polling))
            yield Move(f"{name}'s poll reads state/now", unmark(after, poll))

    def _starts(self, world: World, number: int) -> Iterator[Move]:
        if not self.scene.crashes:
            return
        name = "AB"[number]
        server = world.replicas[number].server
        started = Replica(up=True, server=server, lease=world.now)
        up = world._replace(replicas=replaced(world.replicas, number, started))
        if world.now.trusted is None and self.rules.trusts_none:
            yield Move(f"{name} starts", up)
            return
        yield Move(f"{name} starts: new epoch", self._raise_epoch(up, number))
        peer = world.replicas[1 - number]
        answered = (peer.up and peer.server == server) or not self.rules.start_needs_peer
        if answered and world.servers[server].identity == world.now.trusted:
            yield Move(f"{name} starts and keeps the epoch", up)

    # Redis.

    def _redis(self, world: World, number: int) -> Iterator[Move]:
        redis = world.servers[number]
        empty = redis._replace(
            members=(None,) * len(redis.members),
            generations=(MISSING,) * len(redis.generations),
            size=len(redis.members) == 1,
        )
        if self.scene.evicts:
            yield from self._evicts(world, number)
            if redis != empty:
                yield Move("FLUSHALL", self._stored(world, number, empty))
        if self.scene.restarts:
            if any(redis.members):
                yield Move(f"Redis {number} saves a snapshot", world._replace(snapshot=redis))
            identity = redis.identity if self.scene.same_identity else FRESH
            if world.snapshot is not None:
                old = world.snapshot._replace(identity=identity)
                yield Move(f"Redis {number} restarts with it", self._stored(world, number, old))
            yield Move(f"Redis {number} restarts", self._stored(world, number, empty._replace(identity=identity)))

    def _evicts(self, world: World, number: int) -> Iterator[Move]:
        redis = world.servers[number]
        for place, member in enumerate(redis.members):
            if member is not None:
                after = redis._replace(members=replaced(redis.members, place, None))
                yield Move(f"m{place} is evicted", self._stored(world, number, after))
        for place, generation in enumerate(redis.generations):
            if generation != MISSING:
                after = redis._replace(generations=replaced(redis.generations, place, MISSING))
                yield Move(f"g{place} is evicted", self._stored(world, number, after))
        if redis.size and len(redis.members) > 1:
            yield Move("d is evicted", self._stored(world, number, redis._replace(size=False)))

    # When all is well again.

    def sick(self, worlds: Iterable[World]) -> Iterator[World]:
        """Those of *worlds* from which a link that exists is not served from the cache in the end."""
        healthy: dict[World, bool] = {}
        for world in worlds:
            if world.requests or not world.links[0]:
                continue
            path = [world]
            while path[-1] not in healthy:
                after = self._take(path[-1], *_HEALTHY)
                if after is None:
                    healthy[path[-1]] = self.second_read_hits(path[-1])
                else:
                    path.append(after)
            well = healthy[path[-1]]
            healthy.update(dict.fromkeys(path, well))
            if not well:
                yield world

    def second_read_hits(self, world: World) -> bool:
        """Whether A reads, and then B (the only one that is up, if it is alone) hits."""
        for step in ("A.0 MGET misses", "A.0 asks the backend: exists", "A.0 fills"):
            world = self._take(world, step) or world
        second = "AB"[world.replicas[1].up]
        if self._take(world, f'{second}.0 MGET: "exists"'):
            return True
        found = self._take(world, f"{second}.0 MGET finds")
        return found is not None and self._take(found, f'{second}.0 answers "exists"') is not None

    def _take(self, world: World, *labels: str) -> World | None:
        """The world after the first of the moves that begin with *labels*."""
        possible = list(self.moves(world))
        for wanted in labels:
            for move in possible:
                if move.label.startswith(wanted):
                    return canonical(move.world, self.rules, self.scene)
        return None


_HEALTHY: Final = tuple(
    f"{name}{event}"
    for event in (
        " starts",
        " talks to Redis 0",
        "'s poll is answered",
        " polls",
        " meets a strange",
        " trusts",
        " waits to trust",
    )
    for name in "AB"
)
