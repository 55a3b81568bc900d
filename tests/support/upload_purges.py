"""The purge in the upload model: pieces and records are listed, the session is closed, and only then its pieces go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.upload_closings import Closings
from tests.support.upload_world import Kind, Move, Record, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upload_world import Name, Request, Rubbish, World


class Purges(Closings):
    """The moves of a purge that has found the session old enough.

    Records are put over, not removed. Here all bodies have one letter, so a request that found its place free again
    could only create a record that leads to the end; in the world it may have another length, and lead elsewhere.
    """

    def _purge(self, world: World, request: Request) -> Iterator[Move]:
        match request.step:
            case "pieces":
                pieces = tuple(("piece", number) for number, piece in world.pieces if piece.place == "pieces")
                yield Move("lists the pieces", self._on(world, request, "records", rubbish=pieces))
            case "records":
                yield self._list_records(world, request)
            case "end":
                yield self._create_end(world, request)
            case "cover":
                yield self._cover(world, request)

    def _list_records(self, world: World, request: Request) -> Move:
        pieces = request.rubbish
        closing = self.rules.purge_closes and self.kind is not Kind.PLAIN
        opened = tuple(("record", name) for name, record in world.records if not record.closed)
        closed = tuple(("record", name) for name, record in world.records if record.closed)
        if closing and (pieces or opened):
            step = "cover" if closed else "end"
            return Move("lists the records", self._on(world, request, step, rubbish=(*opened, *pieces)))
        # What says that a session is closed goes last, and only when it is old itself.
        old = () if self.scene.hasty_purge else closed
        return Move("lists the records", self._on(world, request, "remove", rubbish=(*pieces, *opened, *old)))

    def _create_end(self, world: World, request: Request) -> Move:
        names = _records(request.rubbish)
        end = (names[-1][0] + 1 if names else 0, 0)
        if names and names[-1] not in dict(world.records):
            return Move("finds the session over", self._over(world, request))
        if end in dict(world.records):
            return Move("finds that the session goes on", self._over(world, request))
        closed = world._replace(records=put(world.records, end, Record(request.id, closed=True)))
        return Move("closes the session", self._on(closed, request, "cover"))

    def _cover(self, world: World, request: Request) -> Move:
        names = _records(request.rubbish)
        if not names:
            pieces = tuple((what, which) for what, which in request.rubbish if what == "piece")
            return Move("has closed all", self._on(world, request, "remove", rubbish=pieces))
        covered = world._replace(records=put(world.records, names[0], Record(request.id, closed=True)))
        rest = tuple(item for item in request.rubbish if item != ("record", names[0]))
        return Move(f"closes {names[0]}", self._on(covered, request, "cover", rubbish=rest))

    @staticmethod
    def _is_closed(world: World, name: Name) -> bool:
        """Whether who follows the records from *name* finds the session closed."""
        records = dict(world.records)
        while name in records and not records[name].closed:
            name = (name[0] + 1, 0)
        return name in records


def _records(rubbish: Rubbish) -> list[Name]:
    return sorted(which for _, which in rubbish if isinstance(which, tuple))
