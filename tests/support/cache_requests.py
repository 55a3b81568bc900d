"""What a read, a push and a delete do in the cache model: one move is one call to the backend, Redis or ``state/now``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.cache_world import DEAD, FRESH, MISSING, Member, Move, Now, Request, lapse, older, replaced, swap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cache_world import Redis, Replica, Rules, Scene, World


class Requests:
    """Reads, pushes and deletes of one digest through any replica."""

    def __init__(self, rules: Rules, scene: Scene) -> None:
        self.rules = rules
        self.scene = scene

    def _trusts(self, replica: Replica, identity: int) -> bool:
        """Whether what a Redis of this identity said counts, looked at now."""
        if replica.lease is None:
            return False
        return replica.lease.trusted == identity or not self.rules.compares_identity

    def _place(self, key: int) -> int:
        """The name under which Redis holds the membership."""
        repository, kind = self.scene.keys[key]
        mixed = (kind != "layer" and not self.rules.kind_in_key) or (repository and not self.rules.repository_in_key)
        return 0 if mixed else key

    def _new_generation(self, old: int) -> int:
        return FRESH if self.rules.random_generation else max(old, 0)

    @staticmethod
    def _stored(world: World, server: int, redis: Redis) -> World:
        return world._replace(servers=replaced(world.servers, server, redis))

    # Arrivals.

    def _arrivals(self, world: World) -> Iterator[Move]:
        if len(world.requests) == self.scene.requests:
            return
        for number, replica in enumerate(world.replicas):
            if not replica.up:
                continue
            for key, (_, kind) in enumerate(self.scene.keys):
                yield from self._looks_up(world, number, key)
                if kind == "layer":  # links of the other kind are never pushed or deleted here
                    yield from self._changes(world, number, key)

    def _looks_up(self, world: World, number: int, key: int) -> Iterator[Move]:
        replica = world.replicas[number]
        redis = world.servers[replica.server]
        repository = self.scene.keys[key][0]
        generation = redis.generations[repository]
        found = self._candidate(replica, redis, key)
        wrong = world.forbidden[key]
        if found is not None:
            request = Request("found", number, key, wrong, epoch=found, identity=redis.identity)
            if self.scene.pauses:
                yield Move(f"{_at(number, key)} MGET finds", self._begin(world, request))
            elif self._hits(replica, request):
                yield Move(f'{_at(number, key)} MGET: "exists"', world, wrong)
        lease = replica.lease
        if lease is None or not self._trusts(replica, redis.identity) or found == lease.epoch:
            return  # by the backend alone, or a hit
        if generation == MISSING and self.rules.generation_first:
            generation = self._new_generation(generation)
            generations = replaced(redis.generations, repository, generation)
            world = self._stored(world, replica.server, redis._replace(generations=generations))
        request = Request("ask", number, key, generation=generation, epoch=lease.epoch)
        yield Move(f"{_at(number, key)} MGET misses", self._begin(world, request))

    def _candidate(self, replica: Replica, redis: Redis, key: int) -> int | None:
        """The epoch under which Redis says that the link exists."""
        member = redis.members[self._place(key)]
        generation = redis.generations[self.scene.keys[key][0]]
        if not redis.size:
            return None
        if member is not None and (member.generation == generation or not self.rules.compares_generation):
            return member.epoch
        return None if self.rules.size_is_no_access or replica.lease is None else replica.lease.epoch

    def _hits(self, replica: Replica, found: Request) -> bool:
        same = replica.lease is not None and found.epoch == replica.lease.epoch
        return self._trusts(replica, found.identity) and (same or not self.rules.compares_epoch)

    def _changes(self, world: World, number: int, key: int) -> Iterator[Move]:
        replica = world.replicas[number]
        if not world.links[key]:
            yield Move(f"{_at(number, key)} pushes without Redis", self._link(world, key))
        redis = world.servers[replica.server]
        if not self.rules.random_generation and redis.generations[self.scene.keys[key][0]] > 2:
            return  # a counter has no end, the model must have one
        if not self.rules.backend_first:
            told = self._tell(world, replica.server, key)
            yield Move(
                f"{_at(number, key)} deletes: Redis", self._begin(told, Request("unlink", number, key, wrong=True))
            )
            return
        gone = world._replace(links=replaced(world.links, key, False))  # noqa: FBT003  # an item, not a switch
        if world.links[key] or self.rules.tells_when_absent:
            yield Move(
                f"{_at(number, key)} deletes: backend", self._begin(gone, Request("tell", number, key, wrong=True))
            )
        else:
            yield Move(f"{_at(number, key)} deletes: nothing there, 404", self._forbid(gone, key))

    @staticmethod
    def _begin(world: World, request: Request) -> World:
        return world._replace(requests=(*world.requests, request))

    # Requests under way.

    def _steps(self, world: World) -> Iterator[Move]:
        for place, request in enumerate(world.requests):
            rest = world._replace(requests=world.requests[:place] + world.requests[place + 1 :])
            name = _at(request.replica, request.key)
            if request.step != "found":
                yield Move(f"{name} dies before it can {request.step}", rest)
            for label, after, wrong in self._step(rest, request):
                yield Move(f"{name} {label}", after, wrong)

    def _step(self, rest: World, request: Request) -> Iterator[Move]:
        """The next step of *request*, which is none of *rest*'s."""
        key = request.key
        match request.step:
            case "found":
                hit = self._hits(rest.replicas[request.replica], request)
                yield Move('answers "exists"' if hit else "asks the backend", rest, hit and request.wrong)
            case "ask":
                fills = request._replace(step="fill")
                if rest.links[key]:
                    yield Move("asks the backend: exists", self._begin(rest, fills))
                else:
                    yield Move("asks the backend: absent", rest)
                    if self.scene.keys[key][1] == "layer":
                        yield Move("pushes", self._begin(self._link(rest, key), fills))
            case "fill":
                yield from self._fill(rest, request)
            case "unlink":
                gone = rest._replace(links=replaced(rest.links, key, False))  # noqa: FBT003  # an item, not a switch
                yield Move("deletes: backend, 202", self._acknowledge(gone, request))
            case "tell":
                yield from self._tells(rest, request)
            case "look":
                if self._trusts(rest.replicas[request.replica], request.identity):
                    yield Move("deletes: that Redis counts, 202", self._acknowledge(rest, request))
                else:
                    yield self._without_redis(rest, request)
            case _:
                lapsed = lapse(self._begin(rest, request), request.waits, self.rules)
                yield Move(
                    "deletes: waited, 202", self._acknowledge(lapsed._replace(requests=lapsed.requests[:-1]), request)
                )

    def _fill(self, rest: World, request: Request) -> Iterator[Move]:
        replica = rest.replicas[request.replica]
        redis = rest.servers[replica.server]
        repository = self.scene.keys[request.key][0]
        generation = redis.generations[repository]
        if self.rules.guarded_fill and generation != request.generation:
            yield Move("fills nothing", rest)
            return
        if generation == MISSING:
            generation = self._new_generation(generation)
        epoch = request.epoch
        if not self.rules.epoch_first:
            epoch = DEAD if replica.lease is None else replica.lease.epoch
        members = replaced(redis.members, self._place(request.key), Member(generation, epoch))
        filled = redis._replace(
            members=members, generations=replaced(redis.generations, repository, generation), size=True
        )
        yield Move("fills", self._stored(rest, replica.server, filled))

    def _tells(self, rest: World, request: Request) -> Iterator[Move]:
        server = rest.replicas[request.replica].server
        told = self._tell(rest, server, request.key)
        if self.rules.delete_looks_again:
            look = request._replace(step="look", identity=rest.servers[server].identity)
            yield Move("deletes: Redis", self._begin(told, look))
        else:
            yield Move("deletes: Redis, 202", self._acknowledge(told, request))
        if self.scene.cut_off:
            yield self._without_redis(rest, request)

    def _tell(self, world: World, server: int, key: int) -> World:
        redis = world.servers[server]
        repository = self.scene.keys[key][0]
        members, generations = redis.members, redis.generations
        if self.rules.drops_member:
            members = replaced(members, self._place(key), None)
        if self.rules.drops_generation:
            # A counter can't be dropped, or it would come back.
            generation = MISSING if self.rules.random_generation else generations[repository] + 1
            generations = replaced(generations, repository, generation)
        return self._stored(world, server, redis._replace(members=members, generations=generations))

    def _without_redis(self, rest: World, request: Request) -> Move:
        if not self.rules.new_epoch:
            return Move("deletes: without Redis, 202", self._acknowledge(rest, request))
        if rest.now.trusted is not None or not self.rules.trusts_none:
            rest = self._raise_epoch(rest, request.replica)
        if not self.rules.delete_waits:
            return Move("deletes: new epoch, 202", self._acknowledge(rest, request))
        return Move("deletes: new epoch", self._begin(rest, request._replace(step="wait", waits=older(rest))))

    def _raise_epoch(self, world: World, by: int) -> World:
        """Swap in a new epoch, which trusts no Redis."""
        server = world.servers[world.replicas[by].server]
        return swap(world, Now(FRESH, None if self.rules.trusts_none else server.identity), by)

    # What is promised.

    def _acknowledge(self, world: World, request: Request) -> World:
        """From now on a read that begins must not say "exists", unless somebody has pushed since the backend's part."""
        return self._forbid(world, request.key) if request.wrong else world

    @staticmethod
    def _forbid(world: World, key: int) -> World:
        return world._replace(forbidden=replaced(world.forbidden, key, True))  # noqa: FBT003  # an item, not a switch

    @staticmethod
    def _link(world: World, key: int) -> World:
        """Somebody writes the link: reads under way may say "exists", deletes under way forbid nothing."""
        return world._replace(
            links=replaced(world.links, key, True),  # noqa: FBT003  # an item, not a switch
            forbidden=replaced(world.forbidden, key, False),  # noqa: FBT003  # an item, not a switch
            requests=tuple(
                request._replace(wrong=False) if request.key == key else request for request in world.requests
            ),
        )


def _at(replica: int, key: int) -> str:
    return f"{'AB'[replica]}.{key}"
