"""Records of uploads as they lie in storage."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oci.digest import Algorithm
from app.registry.records import Piece, Record, RecordCodec, RecordInvalid

CODEC = RecordCodec(b"key")
PATH = "/moorage/v1/state/uploads/id/0"
RECORD = Record(
    repository="team/app",
    nonce="nonce",
    started=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    algorithm=Algorithm.SHA512,
    boot="boot",
    offset=12,
    depth=2,
    pieces=(Piece("piece", 10, "version"),),
    tail=b"\x00\xff",
    states={Algorithm.SHA256: b"state"},
)


def test_a_record_comes_back_as_it_was():
    assert CODEC.decode(PATH, CODEC.encode(PATH, RECORD)) == RECORD


def test_a_record_makes_the_session_that_goes_on_from_it():
    session = RECORD.session("id", "0")
    assert (session.repository, session.id, session.started) == ("team/app", "id", RECORD.started)
    assert (session.offset, session.record, session.nonce, session.algorithm) == (12, "0", "nonce", Algorithm.SHA512)


@given(position=st.integers(min_value=0), flip=st.integers(1, 255))
def test_a_record_with_any_byte_changed_is_refused(position, flip):
    content = bytearray(CODEC.encode(PATH, RECORD))
    content[position % len(content)] ^= flip
    with pytest.raises(RecordInvalid):
        CODEC.decode(PATH, bytes(content))


@given(st.integers(min_value=1))
def test_a_record_cut_short_is_refused(cut):
    content = CODEC.encode(PATH, RECORD)
    with pytest.raises(RecordInvalid):
        CODEC.decode(PATH, content[: cut % len(content)])


@given(st.binary(max_size=200))
def test_what_is_no_record_is_refused(content):
    with pytest.raises(RecordInvalid):
        CODEC.decode(PATH, content)


def test_a_record_is_good_at_its_own_path_only():
    with pytest.raises(RecordInvalid):
        CODEC.decode(f"{PATH}1", CODEC.encode(PATH, RECORD))


def test_a_record_of_another_store_is_refused():
    with pytest.raises(RecordInvalid):
        RecordCodec(b"other").decode(PATH, CODEC.encode(PATH, RECORD))


def test_a_well_authenticated_document_of_another_shape_is_refused():
    body = b"\x93\x01\x02\x03"
    content = b"MUR1" + CODEC._mac(PATH, body) + body
    with pytest.raises(RecordInvalid):
        CODEC.decode(PATH, content)


def test_records_without_hash_states_are_never_taken_for_the_same():
    bare = Record(repository="team/app", nonce="nonce", started=RECORD.started, offset=12)
    assert RECORD.acknowledges_the_same(RECORD)
    assert not bare.acknowledges_the_same(bare)
