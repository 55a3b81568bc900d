"""Digests: the whole grammar, and nothing but it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oci.digest import CANONICAL, Algorithm, Digest
from app.oci.errors import DigestInvalid

HEX64 = "0123456789abcdef" * 4
HEX128 = HEX64 * 2


@pytest.mark.parametrize("text", [f"sha256:{HEX64}", f"sha512:{HEX128}", "sha256:" + "0" * 64, "sha512:" + "f" * 128])
def test_a_digest_is_its_text(text):
    digest = Digest.parse(text)
    assert digest == text
    assert isinstance(digest, str)
    assert {digest: 1}[text] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        f":{HEX64}",
        HEX64,
        "sha256:short",
        f"sha256:{HEX64[:-1]}",
        f"sha256:{HEX64}0",
        f"sha256:{HEX128}",
        f"sha512:{HEX64}",
        f"sha512:{HEX128[:-1]}",
        f"sha512:{HEX128}0",
        f"sha256:{HEX64.upper()}",
        f"SHA256:{HEX64}",
        f"sha256:{HEX64[:-1]}g",
        f"sha256:{HEX64}\n",
        f"sha256:{HEX64[:-1]}\n",
        f"\nsha256:{HEX64}",
        f" sha256:{HEX64}",
        f"sha256:{HEX64} ",
        f"sha256: {HEX64[:-1]}",
        f"sha256:{HEX64[:-1]}\x00",
        f"sha256:{HEX64}\x00",
        f"sha256::{HEX64[:-1]}",
        f"sha256%3A{HEX64}",
        f"sha256-{HEX64}",
        f"sha384:{'a' * 96}",
        f"sha1:{'a' * 40}",
        f"md5:{'a' * 32}",
        f"blake3:{HEX64}",
        f"tarsum.v1+sha256:{HEX64}",
        f"sha256+b64u:{HEX64}",
        "sha256:../../x",
        "sha256:" + "../" * 21 + "a",
        "sha256:" + "/" * 64,
        "sha256:" + "\uff11" * 64,  # full-width digit one
        "sha256:" + "\u0661" * 64,  # arabic-indic digit one
        "sha256:" + "\uff41" * 64,  # full-width a
        "\u017fha256:" + HEX64,  # long s, which folds to s
        "sha256:" + "\ud800" * 64,
        "sha256:" + "a" * 100_000,
    ],
)
def test_whatever_is_not_exactly_a_supported_digest_is_refused(text):
    with pytest.raises(DigestInvalid) as caught:
        Digest.parse(text)
    assert caught.value.code == "DIGEST_INVALID"
    assert len(caught.value.detail) <= 160


@given(st.binary(max_size=200), st.sampled_from(list(Algorithm)))
def test_the_digest_of_content_parses_and_has_its_parts(content, algorithm):
    digest = Digest.parse(Digest.of(content, algorithm))
    assert digest.algorithm is algorithm
    assert digest.hex == hashlib.new(algorithm.value, content).hexdigest()
    assert digest == f"{algorithm}:{digest.hex}"
    assert digest.canonical is (algorithm is CANONICAL)


@given(st.text(max_size=80) | st.from_regex(r"sha(256|512):[0-9a-fA-F]{62,66}\n?", fullmatch=True))
def test_arbitrary_text_parses_to_itself_or_is_refused_cleanly(text):
    try:
        digest = Digest.parse(text)
    except DigestInvalid:
        return
    assert digest == text
    assert len(digest.hex) == {"sha256": 64, "sha512": 128}[digest.algorithm]
    assert set(digest.hex) <= set("0123456789abcdef")


def test_bytes_views_are_hashed_like_bytes():
    assert Digest.of(memoryview(b"abc")) == Digest.of(bytearray(b"abc")) == Digest.of(b"abc")
    assert Digest.of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_an_algorithm_is_known_by_its_name(name):
    assert Algorithm.parse(name) == name


@pytest.mark.parametrize("name", ["", "SHA256", "sha384", "sha256 ", "sha256\n", "md5", "\u017fha256", "x" * 1000])
def test_other_algorithms_are_refused(name):
    with pytest.raises(DigestInvalid) as caught:
        Algorithm.parse(name)
    assert len(caught.value.detail) <= 160


def test_a_digest_has_no_room_for_anything_but_its_text():
    digest = Digest.of(b"x")
    with pytest.raises(AttributeError):
        digest.extra = 1
