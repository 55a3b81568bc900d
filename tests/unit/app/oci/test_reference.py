"""Names of repositories and tags: the grammar of the distribution-spec, character by character."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, NameInvalid, TagInvalid
from app.oci.reference import MAX_NAME, RepositoryName, Tag, parse_reference

# As the specification spells them; `\Z` because `$` lets a newline pass.
SPEC_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\Z")
SPEC_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\Z")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "0",
        "library/alpine",
        "a/b/c/d/e/f/g",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a-----b",
        "a.b_c__d--e/f.g",
        "v2",
        "blobs/uploads",
        "x/manifests/latest",
        "tags/list",
        "referrers/sha256",
        "a" * MAX_NAME,
        "/".join("a" * 128),
    ],
)
def test_names_of_the_grammar_are_taken(text):
    assert RepositoryName.parse(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "A",
        "library/Alpine",
        "a___b",
        "a..b",
        "a._b",
        "a.-b",
        "a-_b",
        ".a",
        "a.",
        "_a",
        "a_",
        "-a",
        "a-",
        "a/.b",
        "a/b-",
        "..",
        "a/../b",
        "a/./b",
        "a\n",
        "a\nb",
        "a b",
        " a",
        "a\x00",
        "a%2fb",
        "a\\b",
        "a:b",
        "a@b",
        "\u00e4",
        "\uff41",
        "\u0661",
        "a\u2024b",
        "\u0131",
        "\ud800",
        "a" * (MAX_NAME + 1),
        "a" * 1_000_000,
        "a-" * 127,
        "a_" * 127,
    ],
)
def test_names_outside_the_grammar_are_refused(text):
    with pytest.raises(NameInvalid) as caught:
        RepositoryName.parse(text)
    assert caught.value.code == "NAME_INVALID"
    assert len(caught.value.detail) <= 160


@pytest.mark.parametrize(
    "text", ["a", "0", "_", "latest", "LATEST", "v1.0", "1.0-alpine", "_.", "_-", "a" * 128, "sha256-" + "0" * 64, "__"]
)
def test_tags_of_the_grammar_are_taken(text):
    assert Tag.parse(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "a b",
        "a/b",
        "a:b",
        "a+b",
        "a@b",
        "a\n",
        "\na",
        "a\x00",
        "a%41",
        "\u00e4",
        "\uff11",
        "\u0661",
        "a" * 129,
        "a" * 1_000_000,
        "\ud800",
        "../x",
    ],
)
def test_tags_outside_the_grammar_are_refused(text):
    with pytest.raises(TagInvalid) as caught:
        Tag.parse(text)
    assert caught.value.code == "TAG_INVALID"
    assert len(caught.value.detail) <= 160


ODD = st.text(alphabet="ab0A._-/:\n\u00e4\uff11 ", max_size=30)


@given(ODD)
def test_names_are_those_of_the_specifications_own_expression(text):
    if SPEC_NAME.match(text):
        assert RepositoryName.parse(text) == text
    else:
        with pytest.raises(NameInvalid):
            RepositoryName.parse(text)


@given(ODD | st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{120,135}", fullmatch=True))
def test_tags_are_those_of_the_specifications_own_expression(text):
    if SPEC_TAG.match(text):
        assert Tag.parse(text) == text
    else:
        with pytest.raises(TagInvalid):
            Tag.parse(text)


def test_a_reference_is_a_tag_or_a_digest():
    digest = "sha256:" + "a" * 64
    assert isinstance(parse_reference("latest"), Tag)
    assert isinstance(parse_reference("sha256"), Tag)
    assert isinstance(parse_reference("a" * 64), Tag)
    assert isinstance(parse_reference(digest), Digest)
    assert isinstance(parse_reference("sha512:" + "a" * 128), Digest)


@pytest.mark.parametrize(
    "text",
    ["sha256:short", "sha256:", ":", "a:b", "latest:1", "sha256:" + "A" * 64, "sha256:../../x", "sha384:" + "a" * 96],
)
def test_a_reference_with_a_colon_that_is_no_digest_is_refused_as_a_digest(text):
    with pytest.raises(DigestInvalid):
        parse_reference(text)


@pytest.mark.parametrize("text", ["", ".", "a/b", "a" * 129, "latest\n"])
def test_a_reference_without_a_colon_that_is_no_tag_is_refused_as_a_tag(text):
    with pytest.raises(TagInvalid):
        parse_reference(text)
