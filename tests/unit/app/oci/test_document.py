"""JSON that can be read in one way only."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oci import document
from app.oci.errors import ManifestInvalid


def refusal(raw: bytes) -> ManifestInvalid:
    with pytest.raises(ManifestInvalid) as caught:
        document.load(raw)
    json.dumps([caught.value.text, caught.value.detail]).encode()
    caught.value.text.encode()
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"{]",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1} x',
        b"{}{}",
        b'{"a":01}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":tru}',
        b"\\",
        b'\\"{',
        b'{"a":"',
        b'{"a":"\\',
        b"//x\n{}",
        b"\x00",
        b'{"a":-}',
        b'{"a":1.}',
        b'{"a":.5}',
        b'{"a":+1}',
        b'{"a":0x1}',
        b'{"a":"\\u12"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_json_is_refused_with_a_place(raw):
    error = refusal(raw)
    assert error.text == "manifest is not valid JSON"
    assert error.detail["line"] >= 1


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"a"', b"null", b"true", b'[{"a":1}]', b"1.5"])
def test_json_that_is_no_object_is_refused(raw):
    assert refusal(raw).text == "manifest is not a JSON object"


@pytest.mark.parametrize(
    "raw", [b'{"a":"\xff"}', b"\xff\xfe{\x00}\x00", '{"a":1}'.encode("utf-16"), b'{"\xc3":1}', b'{"a":"\xed\xa0\x80"}']
)
def test_bytes_that_are_not_utf8_are_refused(raw):
    assert "UTF-8" in refusal(raw).text


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_only_javascript_knows_are_refused(number):
    assert refusal(b'{"a":[' + number + b"]}").detail == number.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"a":3}',
        b'{"x":[{"y":{"a":1,"\\u0061":2}}]}',
        b'{"":1,"":2}',
        b'{"a":1,"a":null}',
    ],
)
def test_a_name_that_comes_twice_is_refused_at_any_level(raw):
    assert "twice" in refusal(raw).text


def test_the_same_name_in_different_objects_is_fine():
    assert document.load(b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}')["b"] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ud83d"]}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1,"\\ud800":2}',
    ],
)
def test_half_a_surrogate_pair_is_refused(raw):
    refusal(raw)


def test_a_whole_surrogate_pair_is_a_character():
    assert document.load(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"


def test_nesting_is_taken_up_to_the_limit_and_not_beyond():
    document.load(nested(document.MAX_DEPTH))
    assert refusal(nested(document.MAX_DEPTH + 1)).detail == {"limit": document.MAX_DEPTH}


@pytest.mark.parametrize(
    "raw",
    [
        nested(100_000),
        nested(100_000, b'{"a":', b"}"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":"]]]]","b":' + nested(5_000) + b"}",  # brackets in strings do not count
        b'{"a":"\\"]","b":' + nested(5_000) + b"}",
        b'{"a":"\\\\","b":' + nested(5_000) + b"}",
        b'{"\\\\\\"]":' + nested(5_000) + b"}",
        b'["]",' * 50_000,
        nested(5_000) + b'"' + b"]" * 5_000,
    ],
)
def test_absurd_nesting_is_refused_before_the_parser_meets_it(raw):
    refusal(raw)


def test_many_brackets_side_by_side_or_in_strings_are_not_deep():
    assert len(document.load(b'{"a":[' + b"[]," * 1000 + b"[]]}")["a"]) == 1001
    assert document.load(b'{"a":"' + b"[" * 1000 + b'"}') == {"a": "[" * 1000}
    assert document.load(b'{"a":"\\"' + b"{" * 1000 + b'\\\\"}') == {"a": '"' + "{" * 1000 + "\\"}


def test_a_document_of_too_many_pieces_is_refused():
    assert refusal(b'{"a":[' + b"[]," * document.MAX_CONTAINERS + b"[]]}").detail == {"limit": document.MAX_CONTAINERS}
    names = b",".join(b'"%d":1' % number for number in range(document.MAX_MEMBERS + 1))
    assert refusal(b"{" + names + b"}").detail == {"limit": document.MAX_MEMBERS}


def test_numbers_of_any_length_crash_nothing():
    assert document.load(b'{"a":' + b"9" * 4000 + b"}")["a"] == 10**4000 - 1
    refusal(b'{"a":' + b"9" * 5000 + b"}")
    assert document.load(b'{"a":1e400}')["a"] == float("inf")
    assert document.load(b'{"a":-0}') == {"a": 0}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5), st.booleans())
def test_every_plain_document_is_read_as_the_standard_library_reads_it(value, escape):
    raw = json.dumps(value, ensure_ascii=escape).encode("utf-8", "surrogatepass")
    assert document.load(raw) == json.loads(raw)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8aNn1-', max_size=60).map(str.encode))
def test_arbitrary_bytes_are_read_or_refused_and_never_crash(raw):
    with suppress(ManifestInvalid):
        assert isinstance(document.load(raw), dict)
