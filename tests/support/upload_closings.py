"""The closing PUT in the upload model: bytes, link, and then the clearing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.upload_patches import Patches
from tests.support.upload_world import Move, Piece, including, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upload_world import Request, Rubbish, World


class Closings(Patches):
    """The moves of a closing PUT."""

    def _digest(self, request: Request) -> str:
        """The one digest that the registry will accept, as far as the request can know it."""
        if request.record is None or not self.rules.hash_in_record:
            return request.location.promised + request.body
        return request.record.hashed + request.body

    def _close(self, world: World, request: Request) -> Iterator[Move]:
        match request.step:
            case "read":
                record = self._named(world, request.location)
                if record is None:
                    yield self._gone(world, request, "no record")
                else:
                    yield Move("reads the record", self._on(world, request, "ready", record=record))
            case "ready":
                yield self._open(world, request)
            case "check":
                yield self._check_publish(world, request)
            case "cut" | "half" | "whole":
                yield from self._extend(world, request, self._after_digest("bytes"))
            case "bytes":
                yield self._rename(world, request) if self.disk else self._compose(world, request)
            case "link":
                yield from self._link(world, request)
            case "done":
                yield self._created("201", world, request)

    def _open(self, world: World, request: Request) -> Move:
        assert request.record is not None
        if not self.disk:
            return Move("finds the digest right", self._on(world, request, self._after_digest("bytes")))
        number = request.record.pieces[-1][0]
        piece = dict(world.pieces).get(number)
        if piece is None or piece.place != "pieces":
            return self._gone(world, request, "no piece")
        return Move("opens the piece", self._on(world, request, "lock", piece=number))

    def _after_digest(self, step: str) -> str:
        return step if self.rules.link_last else "link"

    def _gone(self, world: World, request: Request, what: str) -> Move:
        """Record or piece are not there: an earlier closing PUT may have moved them to where they belong."""
        digest = self._digest(request)
        if self.rules.already_there and digest in dict(world.blobs):
            if digest in world.links:
                return Move(f"{what}, but the link is there: 201", self._over(world, request))
            if request.record is not None:
                return Move(f"{what}, but the bytes are there", self._on(world, request, "link", locked=False))
        return Move(f"404 {what}", self._over(world, request), self._lost(world, request, digest, what))

    def _check_publish(self, world: World, request: Request) -> Move:
        piece = dict(world.pieces)[request.piece]
        if self.rules.same_file and piece.place != "pieces":
            return self._gone(world, request, "the piece is elsewhere")
        if self.rules.next_absent and self._next(world, request):
            return Move("416 or 404 the next record is there", self._over(world, request))
        if self.rules.versions and len(piece.content) < request.location.offset:
            wrong = self._lost(world, request, self._digest(request), "the piece is short")
            return Move("404 the piece is short", self._over(world, request), wrong)
        return Move("checks", self._on(world, request, "cut"))

    def _after_bytes(self) -> str:
        return "link" if self.rules.link_last else "done"

    def _rename(self, world: World, request: Request) -> Move:
        piece = dict(world.pieces)[request.piece]
        if piece.place != "pieces":
            return self._gone(world, request, "no piece")
        digest = self._digest(request)
        renamed = world._replace(
            pieces=put(world.pieces, request.piece, Piece(piece.content, "blob")),
            blobs=put(world.blobs, digest, request.piece),
        )
        return Move("renames the piece", self._on(renamed, request, self._after_bytes(), locked=False))

    def _compose(self, world: World, request: Request) -> Move:
        """Copy one part a move; the last one publishes."""
        assert request.record is not None
        copied, copy = request.copied, request.copy
        if copied < len(request.record.pieces):
            number, version = request.record.pieces[copied]
            piece = dict(world.pieces).get(number)
            if piece is None or (self.rules.versions and piece.content != version):
                return self._gone(world, request, "a piece is gone")
            copied, copy = copied + 1, copy + piece.content
        if copied < len(request.record.pieces):
            return Move("copies a piece", self._on(world, request, "bytes", copied=copied, copy=copy))
        content = copy + request.record.tail + request.body
        published = world._replace(blobs=put(world.blobs, self._digest(request), content))
        return Move("publishes", self._on(published, request, self._after_bytes(), copied=0, copy=""))

    def _link(self, world: World, request: Request) -> Iterator[Move]:
        digest = self._digest(request)
        promised = request.location.promised + request.body
        wrong = ""
        if digest not in world.links and digest != promised:
            wrong = f"other bytes: {promised!r} was acknowledged, {digest!r} is published"
        linked = world._replace(links=tuple(sorted(including(world.links, digest))))
        if not self.rules.link_last:
            yield Move("links", self._on(linked, request, "bytes"), wrong)
            return
        yield Move("links and dies", self._over(linked, request), wrong)
        created = self._created("links, 201", linked, request)
        yield created._replace(wrong=wrong or created.wrong)

    def _created(self, label: str, world: World, request: Request) -> Move:
        digest = self._digest(request)
        there = digest in dict(world.blobs) and digest in world.links
        after = self._on(world, request, "remove", rubbish=self._leftovers(request))
        return Move(label, after, "" if there else "a 201 without bytes and link")

    def _leftovers(self, request: Request) -> Rubbish:
        """The record by its name, longer chains by their folder, and the pieces that the record names."""
        location, record = request.location, request.record
        assert record is not None
        assert location.name is not None
        records = ("record", location.name) if location.offset == 1 else ("folder", 0)
        return (records, *(("piece", number) for number, _ in record.pieces))
