"""The errors: every code that the specifications name, a sentence for each, and no status."""

from __future__ import annotations

import inspect

import pytest

from app.oci import errors

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.RegistryError) and kind is not errors.RegistryError
]

# distribution-spec, "Error codes", and those that Docker's API adds.
OCI_CODES = {
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
}
DOCKER_CODES = {"MANIFEST_UNVERIFIED", "TAG_INVALID", "PAGINATION_NUMBER_INVALID", "UNAVAILABLE"}


def test_every_code_of_the_specifications_has_a_class():
    assert {kind.code for kind in ALL} >= OCI_CODES | DOCKER_CODES


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in {errors.RangeInvalid, errors.Problems}])
def test_an_error_speaks_for_itself_or_says_what_it_was_told(kind):
    assert kind().text == kind.message
    assert kind("because").text == "because"
    assert str(kind("because")) == "because"
    assert kind().detail is None


@pytest.mark.parametrize("kind", ALL)
def test_codes_are_written_as_the_specification_writes_them(kind):
    assert kind.code == kind.code.upper()
    assert " " not in kind.code
    assert not hasattr(kind, "status")


def test_details_are_kept():
    assert errors.BlobUnknown(detail={"digest": "x"}).detail == {"digest": "x"}
    assert errors.RangeInvalid(7).size == 7
    assert errors.RangeInvalid(7).detail == {"size": 7}
    assert errors.Unavailable(retry_after=2).retry_after == 2


def test_several_problems_travel_as_one_and_the_first_speaks():
    first, second = errors.ManifestBlobUnknown("one"), errors.ManifestBlobUnknown("two")
    problems = errors.Problems([first, second])
    assert problems.errors == (first, second)
    assert problems.text == "one"
