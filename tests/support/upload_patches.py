"""PATCH in the upload model: new bytes, then the record that acknowledges them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.upload_common import Common
from tests.support.upload_world import JUNK, Kind, Location, Move, Piece, Record, including, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.upload_world import Name, Request, Rubbish, World


class Patches(Common):
    """The moves of a PATCH; on disk also how a piece is extended."""

    def _patch(self, world: World, request: Request) -> Iterator[Move]:
        match request.step:
            case "read":
                record = self._named(world, request.location)
                if record is None:
                    wrong = self._lost(world, request, "", "the record is gone")
                    yield Move("404 no record", self._over(world, request), wrong)
                else:
                    yield Move("reads the record", self._on(world, request, "ready", record=record))
            case "ready" if self.disk:
                yield from self._open_to_extend(world, request)
            case "ready":
                yield from self._store(world, request)
            case "check":
                yield from self._check_extension(world, request)
            case "cut" | "half" | "whole":
                yield from self._extend(world, request, "record")
            case "record":
                yield from self._create_record(world, request)
            case "conflict":
                yield from self._resolve(world, request)

    def _piece_number(self, request: Request) -> int:
        return request.id if self.rules.unique_pieces else 100 + request.location.offset

    def _open_to_extend(self, world: World, request: Request) -> Iterator[Move]:
        assert request.record is not None
        if not request.record.pieces:
            number = self._piece_number(request)
            begun = world._replace(pieces=put(world.pieces, number, Piece(JUNK)))
            yield Move("creates a piece", self._on(begun, request, "whole", piece=number))
            return
        number = request.record.pieces[-1][0]
        piece = dict(world.pieces).get(number)
        if piece is not None and piece.place == "pieces":
            yield Move("opens the piece", self._on(world, request, "lock", piece=number))
        else:
            yield Move("404 no piece", self._over(world, request))

    def _store(self, world: World, request: Request) -> Iterator[Move]:
        assert request.record is not None
        if self.scene.tail:
            yield Move("keeps a tail", self._on(world, request, "record"))
        if self.scene.piece:
            number = self._piece_number(request)
            stored = world._replace(pieces=put(world.pieces, number, Piece(request.record.tail + request.body)))
            yield Move("stores a piece", self._on(stored, request, "record", piece=number))

    def _check_extension(self, world: World, request: Request) -> Iterator[Move]:
        piece = dict(world.pieces)[request.piece]
        if self.rules.same_file and piece.place != "pieces":
            yield Move("404 the piece is elsewhere", self._over(world, request))
        elif self.rules.next_absent and self._next(world, request):
            yield Move("finds the next record", self._on(world, request, "conflict", locked=False))
        elif self.rules.versions and len(piece.content) < request.location.offset:
            wrong = self._lost(world, request, "", "the piece is short")
            yield Move("404 the piece is short", self._over(world, request), wrong)
        else:
            yield Move("checks", self._on(world, request, "cut"))

    def _extend(self, world: World, request: Request, after: str) -> Iterator[Move]:
        """On disk: cut the piece to the recorded length, write half of a letter, write all of it."""
        content, place = dict(world.pieces)[request.piece]
        adds = bool(request.body)
        if request.step == "cut":
            cut = self.rules.cut_before_write if adds else self.rules.cut_before_publish
            kept = content[: request.location.offset] if cut else content
            cut_world = world._replace(pieces=put(world.pieces, request.piece, Piece(kept, place)))
            yield Move("cuts", self._on(cut_world, request, "half" if adds else after))
        elif request.step == "half":
            half = world._replace(pieces=put(world.pieces, request.piece, Piece(content + JUNK, place)))
            yield Move("writes half", self._on(half, request, "whole"))
        else:
            whole = (content[:-1] if content.endswith(JUNK) else content) + request.body
            written = world._replace(pieces=put(world.pieces, request.piece, Piece(whole, place)))
            yield Move("writes all", self._on(written, request, after, locked=request.locked and self.rules.held))

    def _new_record(self, request: Request) -> Record:
        old = request.record
        assert old is not None
        hashed = (old.hashed if self.rules.hash_in_record else request.location.promised) + request.body
        if self.disk:
            return Record(request.id, pieces=((request.piece, hashed),), hashed=hashed)
        if request.piece < 0:
            return Record(request.id, pieces=old.pieces, tail=old.tail + request.body, hashed=hashed)
        piece = (request.piece, old.tail + request.body)
        return Record(request.id, pieces=(*old.pieces, piece), hashed=hashed)

    def _create_record(self, world: World, request: Request) -> Iterator[Move]:
        record = self._new_record(request)
        name = self._record_name(request.location.offset, request.id)
        if self.rules.create_only and name in dict(world.records):
            yield Move("finds the record taken", self._on(world, request, "conflict", locked=False))
            return
        created = world._replace(records=put(world.records, name, record))
        yield self._acknowledge("creates the record, 202", created, request, name, record)
        yield Move("creates the record and dies", self._over(created, request))
        yield Move("creates the record, hears nothing", self._on(created, request, "conflict", locked=False))

    def _acknowledge(self, label: str, world: World, request: Request, name: Name, record: Record) -> Move:
        offset = request.location.offset
        promised = request.location.promised + request.body
        wrong = ""
        if self.kind is not Kind.PLAIN and not world.ended:
            others = {body for place, body in world.acknowledged if place == offset}
            if others - {request.body}:
                wrong = f"two winners at offset {offset}"
        after = self._over(world, request)._replace(
            locations=including(world.locations, Location(offset + 1, name, record.nonce, promised, record)),
            acknowledged=including(world.acknowledged, (offset, request.body)),
        )
        return Move(label, after, wrong)

    def _resolve(self, world: World, request: Request) -> Iterator[Move]:
        """Somebody's record is there already: whose?"""
        offset = request.location.offset
        name = self._record_name(offset, request.id)
        winner = dict(world.records).get(name)
        mine = request.piece == self._piece_number(request)  # never delete a piece that was only extended
        rubbish: Rubbish = (("piece", request.piece),) if mine else ()
        if winner is not None and winner.nonce == request.id and self.rules.own_record:
            yield self._acknowledge("finds its own record, 202", world, request, name, winner)
        elif winner is None or winner.closed:
            yield Move("404", self._on(world, request, "remove", rubbish=rubbish))
        else:
            location = Location(offset + 1, name, winner.nonce, winner.hashed, winner)
            told = world._replace(locations=including(world.locations, location))
            yield Move("learns of the winner", self._on(told, request, "remove", rubbish=rubbish))
