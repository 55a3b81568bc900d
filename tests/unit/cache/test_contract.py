"""The values of the cache's contract."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from cache.contract import MISS, LinkKind, Lookup


def test_a_miss_says_nothing_and_cannot_be_changed():
    assert Lookup() == MISS
    with pytest.raises(FrozenInstanceError):
        MISS.scoped = 1


def test_every_kind_of_link_has_its_own_name():
    assert len({str(kind) for kind in LinkKind}) == 3
