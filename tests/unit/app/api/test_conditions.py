import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from app.api.conditions import check_match, not_modified, precondition, range_applies
from app.oci.digest import Digest
from app.oci.errors import PreconditionFailed
from app.registry.contracts import Precondition

DIGEST = Digest.of(b"content")
OTHER = Digest.of(b"other")


def headers(*pairs):
    return CIMultiDictProxy(CIMultiDict(pairs))


@pytest.mark.parametrize(
    "value",
    [f'"{DIGEST}"', f'W/"{DIGEST}"', "*", DIGEST, f'"{OTHER}", "{DIGEST}"', f'"x",W/"{DIGEST}"', f"{OTHER},{DIGEST}"],
)
def test_content_is_not_modified_for_whoever_names_its_digest(value):
    assert not_modified(headers(("If-None-Match", value)), DIGEST)


@pytest.mark.parametrize("value", ["", f'"{OTHER}"', '"', "W/", ",,", f'"{DIGEST}x"'])
def test_content_is_sent_to_whoever_names_something_else(value):
    assert not not_modified(headers(("If-None-Match", value)), DIGEST)


def test_every_header_line_counts():
    assert not_modified(headers(("If-None-Match", f'"{OTHER}"'), ("If-None-Match", f'"{DIGEST}"')), DIGEST)
    assert not not_modified(headers(), DIGEST)


@pytest.mark.parametrize("value", [f'"{DIGEST}"', "*", f'"{OTHER}", "{DIGEST}"'])
def test_if_match_lets_pass_what_it_names(value):
    check_match(headers(("If-Match", value)), DIGEST)


@pytest.mark.parametrize("value", [f'"{OTHER}"', f'W/"{DIGEST}"', ""])
def test_if_match_compares_strongly(value):
    with pytest.raises(PreconditionFailed):
        check_match(headers(("If-Match", value)), DIGEST)


def test_a_range_counts_only_for_the_very_same_content():
    assert range_applies(headers(), DIGEST)
    assert range_applies(headers(("If-Range", f'"{DIGEST}"')), DIGEST)
    assert not range_applies(headers(("If-Range", f'W/"{DIGEST}"')), DIGEST)
    assert not range_applies(headers(("If-Range", f'"{OTHER}"')), DIGEST)
    assert not range_applies(headers(("If-Range", "Wed, 21 Oct 2015 07:28:00 GMT")), DIGEST)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], None),
        ([("If-None-Match", "*")], Precondition(absent=True)),
        ([("If-Match", "*")], Precondition(any=True)),
        ([("If-Match", f'"{DIGEST}"')], Precondition(digests=frozenset({DIGEST}))),
        ([("If-Match", "")], Precondition(digests=frozenset())),
        ([("If-None-Match", f'"{DIGEST}", W/"{OTHER}"')], Precondition(unlike=frozenset({DIGEST, OTHER}))),
        ([("If-Match", "*"), ("If-None-Match", f'"{OTHER}"')], Precondition(any=True, unlike=frozenset({OTHER}))),
    ],
)
def test_headers_become_what_must_hold_for_a_tag(pairs, expected):
    assert precondition(headers(*pairs)) == expected
