"""The upload protocol of one session, explored exhaustively; `app/registry/uploads.py` is built after it.

One move is one call to the store by one request. Requests (a PATCH, a closing PUT, a cancel, the purge, a push of the
same digest through another session) run at once, each from any Location ever handed out, and each may die between two
calls. A client whose answer was lost is a client that goes on from an older Location. A replica that remembers a record
may use it without a read. A digest is the bytes themselves, so a wrong one can be seen.

What must hold, in every state:

- what lies under a digest is the content of that digest, and a link never dangles;
- a closing PUT publishes exactly the bytes that its Location had acknowledged, and its own body;
- of two PATCHes with different bytes at one offset one is acknowledged;
- a 201 means that bytes and link are there;
- no race and no crash takes the newest acknowledged Location away, short of a commit, a cancel or the purge;
- whatever the purge meets, a record that does not lead to the end of a closed session has all of its pieces.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from tests.support.upload_purges import Purges
from tests.support.upload_world import JUNK, LENGTH, ROOT, Kind, Move, Piece, Record, Request, World, including, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.upload_world import Budget, Location, Rubbish, Rules, Scene


class Violation(NamedTuple):
    """A rule of the registry that was broken, and the moves that led there."""

    what: str
    trace: tuple[str, ...]


class Exploration(NamedTuple):
    """How many worlds were seen, and the first violation among them."""

    worlds: int
    violation: Violation | None


def explore(kind: Kind, rules: Rules, scene: Scene) -> Exploration:
    """Try every order of events in *scene*, shortest first, up to the first violation."""
    protocol = Protocol(kind, rules, scene)
    start = World(scene.budget, (ROOT,))
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    ahead = deque([start])
    while ahead:
        world = ahead.popleft()
        for move in protocol.moves(world):
            wrong = move.wrong
            if not wrong:
                if move.world in came_from:
                    continue
                came_from[move.world] = (world, move.label)
                ahead.append(move.world)
                wrong = protocol.wrong(move.world)
            if wrong:
                trace = [move.label]
                at = came_from[world]
                while at is not None:
                    trace.append(at[1])
                    at = came_from[at[0]]
                return Exploration(len(came_from), Violation(wrong, tuple(reversed(trace))))
    return Exploration(len(came_from), None)


class Protocol(Purges):
    """What can happen next, whoever does it."""

    def __init__(self, kind: Kind, rules: Rules, scene: Scene) -> None:
        super().__init__(kind, rules, scene)
        self._verbs: dict[str, Callable[[World, Request], Iterator[Move]]] = {
            "PATCH": self._patch,
            "PUT": self._close,
            "cancel": self._cancel,
            "purge": self._purge,
            "other": self._other,
        }

    def wrong(self, world: World) -> str:
        """What is wrong with a state by itself."""
        pieces = dict(world.pieces)
        blobs = dict(world.blobs)
        for digest, held in blobs.items():
            content = held if isinstance(held, str) else pieces[held].content
            if content != digest:
                return f"wrong bytes: {content!r} under the digest of {digest!r}"
        for digest in world.links:
            if digest not in blobs:
                return f"dangling link: {digest!r}"
        if world.purged and not world.cancelled and not blobs and self.kind is not Kind.PLAIN:
            for name, record in world.records:
                whole = all(number in pieces and pieces[number].place == "pieces" for number, _ in record.pieces)
                if not whole and not self._is_closed(world, name):
                    return f"half a session: the record {name} can be followed, and a piece of it is gone"
        return ""

    def moves(self, world: World) -> Iterator[Move]:
        """Everything that can happen next."""
        yield from self._arrivals(world)
        for request in world.requests:
            if request.step not in {"start", "read", "ready", "pieces", "records"}:
                yield Move(f"{_name(request)} dies", self._over(world, request))
            for label, after, wrong in self._step(world, request):
                yield Move(f"{_name(request)} {label}", after, wrong)

    def _arrivals(self, world: World) -> Iterator[Move]:
        budget = world.budget
        if not (world.purged and not self.scene.hasty_purge):
            for location in world.locations:
                yield from self._arrive_at(world, location)
        if budget.others:
            rest = budget._replace(others=budget.others - 1)
            for digest in sorted({record.hashed for _, record in world.records if not record.closed}):
                yield self._arrive(world, rest, Request("other", 0, "bytes", ROOT, digest))
        if budget.purges and (self.scene.hasty_purge or not world.requests):
            rest = budget._replace(purges=budget.purges - 1)
            yield self._arrive(world._replace(purged=True), rest, Request("purge", 0, "pieces", ROOT))
        if budget.power_cuts:
            yield from self._power_cut(world)

    def _arrive_at(self, world: World, location: Location) -> Iterator[Move]:
        budget = world.budget
        ways: list[tuple[str, Record | None]] = [] if location.name is None else [("read", None)]
        if location.remembered is not None:
            ways.append(("ready", location.remembered))
        for step, record in ways:
            if budget.patches and location.offset < LENGTH:
                rest = budget._replace(patches=budget.patches - 1)
                for body in "a" if budget == self.scene.budget else "ab":  # the first letter may as well be an a
                    yield self._arrive(world, rest, Request("PATCH", 0, step, location, body, record))
            if budget.puts and location.name is not None:
                rest = budget._replace(puts=budget.puts - 1)
                for body in ("", "b") if self.scene.last_chunk and location.offset < LENGTH else ("",):
                    yield self._arrive(world, rest, Request("PUT", 0, step, location, body, record))
        if budget.cancels:
            rest = budget._replace(cancels=budget.cancels - 1)
            yield self._arrive(world, rest, Request("cancel", 0, "start", location, offset=location.offset))

    @staticmethod
    def _arrive(world: World, budget: Budget, request: Request) -> Move:
        request = request._replace(id=world.next_id)
        after = world._replace(next_id=world.next_id + 1, budget=budget, requests=(*world.requests, request))
        way = " from memory" if request.record is not None and request.location.name is not None else ""
        return Move(f"{_name(request)} {request.body!r} at {request.location.offset}{way}", after)

    def _power_cut(self, world: World) -> Iterator[Move]:
        """Bytes that were not made durable come back as junk; whatever ran or was remembered is gone."""
        forgetful = tuple(
            location if location.name is None else location._replace(remembered=None) for location in world.locations
        )
        dark = world._replace(
            budget=world.budget._replace(power_cuts=world.budget.power_cuts - 1), requests=(), locations=forgetful
        )
        if self.rules.boot:
            dark = dark._replace(records=(), ended=True)
        for number, piece in world.pieces:
            for kept in range(len(piece.content)):
                if piece.place == "pieces":
                    junk = piece.content[:kept] + JUNK * (len(piece.content) - kept)
                    yield Move("power cut", dark._replace(pieces=put(world.pieces, number, Piece(junk))))

    def _step(self, world: World, request: Request) -> Iterator[Move]:
        if request.step == "remove":
            return self._remove(world, request)
        if request.step == "lock":
            return self._lock(world, request)
        return self._verbs[request.verb](world, request)

    def _cancel(self, world: World, request: Request) -> Iterator[Move]:
        stored = any(not record.closed for _, record in world.records)
        if self.kind is Kind.PLAIN:  # nothing can be closed for good: the records go, others' memories of them expire
            yield Move(
                "204", self._on(self._cancelled(world, stored=stored), request, "remove", rubbish=self._own(request))
            )
            return
        there = dict(world.records).get((request.offset, 0))
        if there is None and request.offset == 0:
            yield Move("nothing stored, 204", self._over(self._cancelled(world, stored=False), request))
        elif there is None or not self.rules.create_only:
            closed = self._cancelled(world, stored=stored)
            closed = closed._replace(records=put(world.records, (request.offset, 0), Record(request.id, closed=True)))
            yield Move("closes, 204", self._on(closed, request, "remove", rubbish=self._chain(world, request)))
        elif there.closed:
            yield Move("404 closed already", self._over(world, request))
        else:
            yield Move("walks on", self._on(world, request, "start", offset=request.offset + 1))

    @staticmethod
    def _cancelled(world: World, *, stored: bool) -> World:
        return world._replace(cancelled=world.cancelled or stored)

    def _own(self, request: Request) -> Rubbish:
        record = request.location.remembered
        if record is None or request.location.name is None:
            return ()
        return (("record", request.location.name), *(("piece", number) for number, _ in record.pieces))

    @staticmethod
    def _chain(world: World, request: Request) -> Rubbish:
        records = [(name, record) for name, record in world.records if name[0] < request.offset and not record.closed]
        names = [("record", name) for name, _ in records]
        return (*names, *(("piece", number) for _, record in records for number, _ in record.pieces))

    def _other(self, world: World, request: Request) -> Iterator[Move]:
        digest = request.body
        if request.step == "bytes":
            # A new file, also where one was: nobody writes into content that is published.
            stored = world._replace(blobs=put(world.blobs, digest, digest))
            yield Move("publishes", self._on(stored, request, "link"))
        else:
            linked = world._replace(links=tuple(sorted(including(world.links, digest))))
            yield Move("links, 201", self._over(linked, request))


def _name(request: Request) -> str:
    return f"{request.verb} {request.id}"
