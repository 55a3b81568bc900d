"""Media types: the families, and what is left of a Content-Type without its parameters."""

from __future__ import annotations

import pytest

from app.oci import mediatype


@pytest.mark.parametrize(
    ("header", "essence"),
    [
        (mediatype.OCI_IMAGE, mediatype.OCI_IMAGE),
        (f"{mediatype.OCI_IMAGE}; charset=utf-8", mediatype.OCI_IMAGE),
        (f"{mediatype.OCI_IMAGE};charset=utf-8;q=1", mediatype.OCI_IMAGE),
        (f"  {mediatype.OCI_INDEX} ;", mediatype.OCI_INDEX),
        (mediatype.DOCKER_IMAGE.upper(), mediatype.DOCKER_IMAGE),
        ("", ""),
        (";", ""),
        ("; charset=utf-8", ""),
    ],
)
def test_parameters_and_case_of_a_content_type_do_not_matter(header, essence):
    assert mediatype.essence(header) == essence


def test_every_manifest_type_is_of_one_family():
    assert not mediatype.IMAGES & mediatype.INDEXES
    assert mediatype.MANIFESTS > mediatype.IMAGES | mediatype.INDEXES
    assert not mediatype.MANIFESTS & mediatype.SCHEMA1


def test_every_type_is_its_own_essence():
    for known in mediatype.MANIFESTS | mediatype.SCHEMA1 | mediatype.FOREIGN:
        assert mediatype.essence(known) == known
