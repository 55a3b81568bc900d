"""What all requests of the upload model share: the store's kind, its locks, what a Location names, clearing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.upload_world import Kind, Move, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upload_world import Location, Name, Record, Request, Rules, Scene, World


class Common:
    """One store and one protocol."""

    def __init__(self, kind: Kind, rules: Rules, scene: Scene) -> None:
        self.kind = kind
        self.rules = rules
        self.scene = scene
        self.disk = kind is Kind.DISK

    @staticmethod
    def _over(world: World, request: Request) -> World:
        return world._replace(requests=tuple(other for other in world.requests if other.id != request.id))

    @staticmethod
    def _on(world: World, request: Request, step: str, **changes: object) -> World:
        after = request._replace(step=step, **changes)  # type: ignore[arg-type]  # names and types are Request's
        return world._replace(requests=tuple(after if other.id == request.id else other for other in world.requests))

    def _record_name(self, offset: int, nonce: int) -> Name:
        return (offset, nonce if self.kind is Kind.PLAIN else 0)

    def _next(self, world: World, request: Request) -> Record | None:
        return dict(world.records).get((request.location.offset, 0))

    def _named(self, world: World, location: Location) -> Record | None:
        """The record that a Location names, unless it is somebody else's under the same name."""
        record = None if location.name is None else dict(world.records).get(location.name)
        if record is None or record.closed or (self.rules.bound_nonce and record.nonce != location.nonce):
            return None
        return record

    def _lost(self, world: World, request: Request, digest: str, what: str) -> str:
        """Refusing the newest acknowledged Location is wrong, unless there is a reason."""
        reason = world.cancelled or world.purged or world.ended or digest in world.links
        if request.verb == "PUT":  # a PUT with another last chunk has published what was acknowledged, and its own
            reason = reason or any(published != digest for published, _ in world.blobs)
        return "" if reason or self._next(world, request) else f"acknowledged bytes lost: {what}"

    def _lock(self, world: World, request: Request) -> Iterator[Move]:
        held = any(other.locked and other.piece == request.piece for other in world.requests)
        if not (held and self.rules.lock):
            yield Move("locks", self._on(world, request, "check", locked=True))

    def _remove(self, world: World, request: Request) -> Iterator[Move]:
        """Delete what is on the list, one call a move."""
        if not request.rubbish:
            yield Move("ends", self._over(world, request))
            return
        (what, which), *rest = request.rubbish
        if what == "folder":  # a long chain goes by its folder, and whatever else is in it
            world = world._replace(records=(), ended=True)
        elif isinstance(which, tuple):
            world = world._replace(records=without(world.records, which), ended=True)
        elif self.disk:  # a file that somebody holds open lives on without its name
            world = world._replace(
                pieces=tuple(
                    (number, piece._replace(place="none") if number == which and piece.place == "pieces" else piece)
                    for number, piece in world.pieces
                )
            )
        else:
            world = world._replace(pieces=without(world.pieces, which))
        after = self._on(world, request, "remove", rubbish=tuple(rest)) if rest else self._over(world, request)
        yield Move(f"deletes {what} {which}", after)
