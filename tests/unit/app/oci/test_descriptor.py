"""Descriptors are values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from app.oci.descriptor import Descriptor, Platform
from app.oci.digest import Digest


def test_descriptors_with_the_same_content_are_equal():
    digest = Digest.of(b"x")
    assert Descriptor("a/b", 1, digest) == Descriptor("a/b", 1, Digest.parse(digest))
    assert Descriptor("a/b", 1, digest) != Descriptor("a/b", 2, digest)
    assert Descriptor("a/b", 1, digest, platform=Platform("amd64", "linux")) != Descriptor("a/b", 1, digest)


@pytest.mark.parametrize(
    ("value", "field"), [(Descriptor("a/b", 1, Digest.of(b"x")), "size"), (Platform("arm64", "linux"), "os")]
)
def test_nobody_can_change_one(value, field):
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, 7)
    assert not hasattr(value, "__dict__")
