"""Cached values as bytes: whole and under their own key, or nothing."""

from __future__ import annotations

import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from cache.codec import Codec, Keys, Member, ValueInvalid
from cache.contract import LinkKind

CODEC = Codec(b"s" * 32)
KEYS = Keys("store")
HERE = RepositoryName.parse("team/here")
DIGEST = Digest.of(b"content")
MEMBER = Member(b"g" * 12, Codec.epoch("epoch"), "application/vnd.oci.image.manifest.v1+json")
DESCRIPTOR = Descriptor(OCTET_STREAM, 2**63 - 1, DIGEST)
M, G, D = KEYS.member(HERE, LinkKind.LAYER, DIGEST), KEYS.generation(HERE), KEYS.size(DIGEST)


def test_values_come_back_as_they_were():
    assert CODEC.open_member(M, CODEC.seal_member(M, MEMBER)) == MEMBER
    assert CODEC.open_size(D, CODEC.seal_size(D, DESCRIPTOR)) == DESCRIPTOR
    assert CODEC.open_nonce(G, CODEC.seal_nonce(G, b"n" * 12)) == b"n" * 12


def test_values_are_small():
    assert len(CODEC.seal_member(M, Member(b"g" * 12, Codec.epoch("epoch")))) <= 70
    assert len(CODEC.seal_size(D, DESCRIPTOR)) <= 70


@pytest.mark.parametrize(
    "other",
    [
        KEYS.member(RepositoryName.parse("team/there"), LinkKind.LAYER, DIGEST),
        KEYS.member(HERE, LinkKind.MANIFEST, DIGEST),
        KEYS.member(HERE, LinkKind.LAYER, Digest.of(b"other")),
        Keys("other store").member(HERE, LinkKind.LAYER, DIGEST),
        G,
        M[:-1],
    ],
)
def test_a_value_under_another_key_is_none(other):
    with pytest.raises(ValueInvalid):
        CODEC.open_member(other, CODEC.seal_member(M, MEMBER))


def test_a_value_of_another_sort_under_the_same_key_is_none():
    with pytest.raises(ValueInvalid):
        CODEC.open_member(M, CODEC.seal_size(M, DESCRIPTOR))
    with pytest.raises(ValueInvalid):
        CODEC.open_nonce(M, CODEC.seal_member(M, MEMBER))


def test_a_value_with_any_bit_flipped_is_none():
    value = CODEC.seal_member(M, MEMBER)
    for place in range(len(value) * 8):
        flipped = bytearray(value)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueInvalid):
            CODEC.open_member(M, bytes(flipped))


def test_a_value_cut_at_any_place_or_with_more_behind_it_is_none():
    value = CODEC.seal_size(D, DESCRIPTOR)
    for wrong in (*(value[:end] for end in range(len(value))), value + b"\0", b"OK", b"\x01" * 5000):
        with pytest.raises(ValueInvalid):
            CODEC.open_size(D, wrong)


def test_a_value_under_another_secret_is_none():
    with pytest.raises(ValueInvalid):
        Codec(b"t" * 32).open_size(D, CODEC.seal_size(D, DESCRIPTOR))


def test_a_size_below_nothing_is_none():
    with pytest.raises(ValueInvalid):
        CODEC.open_size(D, CODEC.seal_size(D, Descriptor(OCTET_STREAM, -1, DIGEST)))


def test_a_digest_that_is_no_sha256_is_none():
    with pytest.raises(ValueInvalid):
        CODEC.open_size(D, CODEC.seal_size(D, Descriptor(OCTET_STREAM, 7, Digest.of(b"content", Algorithm.SHA512))))


def test_what_belongs_to_one_repository_has_one_hash_tag():
    assert M[M.index(b"{") : M.index(b"}") + 1] == G[G.index(b"{") : G.index(b"}") + 1] == b"{team/here}"
