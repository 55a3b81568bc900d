"""Digests that can be put away and continued."""

from __future__ import annotations

import ctypes
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oci.digest import Algorithm, Digest
from app.registry.digester import Digesters, StateInvalid, find_libcrypto

DIGESTERS = Digesters(find_libcrypto())
UNRESUMABLE = Digesters(None)

algorithms = st.sampled_from(Algorithm)


def test_this_machine_resumes_digests():
    assert DIGESTERS.resumable


@given(algorithm=algorithms, content=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_any_split_resumed_in_between_has_the_digest_of_the_whole(algorithm, content, cuts):
    digester = DIGESTERS.new(algorithm)
    for start, end in pairwise([0, *sorted(cuts), len(content)]):
        digester.update(content[start : max(start, end)])
        digester = DIGESTERS.resume(algorithm, digester.state())
    whole = content if not cuts or max(cuts) <= len(content) else _joined(content, cuts)
    assert digester.digest() == Digest.of(whole, algorithm)


def _joined(content: bytes, cuts: list[int]) -> bytes:
    return b"".join(content[start : max(start, end)] for start, end in pairwise([0, *sorted(cuts), len(content)]))


@given(
    algorithm=algorithms,
    content=st.binary(max_size=300),
    position=st.integers(min_value=0),
    flip=st.integers(1, 255),
)
def test_a_flipped_byte_of_a_state_is_refused_or_gives_another_digest(algorithm, content, position, flip):
    digester = DIGESTERS.new(algorithm)
    digester.update(content)
    state = bytearray(digester.state())
    state[position % len(state)] ^= flip
    try:
        broken = DIGESTERS.resume(algorithm, bytes(state))
    except StateInvalid:
        return
    broken.update(b"more")
    assert broken.digest() != Digest.of(content + b"more", algorithm)


@given(algorithm=algorithms, state=st.binary(max_size=400))
def test_what_is_no_state_is_refused(algorithm, state):
    with pytest.raises(StateInvalid):
        DIGESTERS.resume(algorithm, state)


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_a_shortened_state_is_refused(cut):
    digester = DIGESTERS.new(Algorithm.SHA256)
    digester.update(b"x" * 100)
    with pytest.raises(StateInvalid):
        DIGESTERS.resume(Algorithm.SHA256, digester.state()[:-cut])


def test_the_state_of_one_algorithm_is_refused_by_the_other():
    with pytest.raises(StateInvalid):
        DIGESTERS.resume(Algorithm.SHA512, DIGESTERS.new(Algorithm.SHA256).state())


def test_a_state_is_the_same_on_every_machine():
    digester = DIGESTERS.new(Algorithm.SHA256)
    digester.update(b"abc")
    # The initial words of FIPS 180-4 section 5.3.3, most significant byte first, three bytes so far, and those.
    assert digester.state() == (
        b"MDS1sha256"
        + bytes.fromhex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19")
        + (3).to_bytes(8, "big")
        + b"abc"
    )


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_digest_may_be_asked_for_on_the_way(algorithm):
    digester = DIGESTERS.new(algorithm)
    digester.update(b"one")
    assert digester.digest() == Digest.of(b"one", algorithm)
    digester.update(b"two")
    assert digester.digest() == Digest.of(b"onetwo", algorithm)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_every_sort_of_buffer_is_taken(algorithm):
    content = bytes(range(256)) * 5
    for chunk in (content, bytearray(content), memoryview(content), memoryview(bytearray(content))):
        digester = DIGESTERS.new(algorithm)
        digester.update(chunk)
        assert digester.digest() == Digest.of(content, algorithm)
    digester = DIGESTERS.new(algorithm)
    digester.update(memoryview(content)[7:900])
    digester.update(memoryview(bytearray(content))[::2])
    assert digester.digest() == Digest.of(content[7:900] + content[::2], algorithm)


def test_more_than_half_a_gigabyte_is_counted_right():
    block = bytes(1 << 20)
    digester = DIGESTERS.new(Algorithm.SHA256)
    reference = hashlib.sha256()
    for _ in range(600):  # beyond 2**32 bits
        digester.update(block)
        reference.update(block)
    digester = DIGESTERS.resume(Algorithm.SHA256, digester.state())
    assert digester.digest().hex == reference.hexdigest()


@pytest.mark.parametrize("library", [None, ctypes.CDLL(None)], ids=["no library", "a library without the functions"])
def test_without_a_library_that_proves_itself_digests_are_right_and_states_empty(library):
    digesters = Digesters(library)
    if digesters.resumable:  # the interpreter itself may be linked to libcrypto
        pytest.skip("this interpreter exports libcrypto's functions")
    digester = digesters.new(Algorithm.SHA512)
    digester.update(b"content")
    assert digester.digest() == Digest.of(b"content", Algorithm.SHA512)
    assert digester.state() == b""
    with pytest.raises(StateInvalid):
        digesters.resume(Algorithm.SHA512, DIGESTERS.new(Algorithm.SHA512).state())


def test_a_digest_for_one_request_has_no_state():
    digester = DIGESTERS.once(Algorithm.SHA256)
    digester.update(b"content")
    assert digester.state() == b""
    assert digester.digest() == Digest.of(b"content")
