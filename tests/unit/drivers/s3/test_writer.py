from __future__ import annotations

import pytest

from drivers.s3.settings import GIB, MAX_PART, MAX_PARTS, MIB
from drivers.s3.writer import part_size

TIB = 1024 * GIB


def parts(total, **how):
    sizes, at = [], 0
    while at < total:
        sizes.append(min(part_size(at, **how), total - at))
        at += sizes[-1]
    return sizes


@pytest.mark.parametrize("chunk", [5 * MIB, 10 * MIB, 64 * MIB, GIB])
@pytest.mark.parametrize("known", [True, False])
def test_five_tebibytes_fit_into_ten_thousand_parts(chunk, known):
    sizes = parts(5 * TIB, chunk=chunk, expected=5 * TIB if known else None, equal=False)
    assert len(sizes) <= MAX_PARTS
    assert max(sizes) <= MAX_PART
    assert min(sizes[:-1]) >= chunk


@pytest.mark.parametrize("expected", [None, 12 * GIB])
def test_up_to_twelve_gibibytes_no_part_grows(expected):
    assert set(parts(12 * GIB, chunk=10 * MIB, expected=expected, equal=False)[1:-1]) == {10 * MIB}


@pytest.mark.parametrize("chunk", [5 * MIB, 10 * MIB, 64 * MIB])
@pytest.mark.parametrize("total", [1, 10 * MIB, 16 * MIB])
@pytest.mark.parametrize("known", [True, False])
def test_up_to_sixteen_mebibytes_are_one_part(chunk, total, known):
    assert parts(total, chunk=chunk, expected=total if known else None, equal=False) == [total]


@pytest.mark.parametrize("total", [1, 97 * GIB, 700 * GIB])
def test_parts_of_a_known_size_are_equal(total):
    sizes = parts(total, chunk=10 * MIB, expected=total, equal=False)
    assert len({*sizes[:-1]}) <= 1


def test_parts_are_equal_on_demand():
    assert set(parts(50 * GIB, chunk=10 * MIB, expected=None, equal=True)[:-1]) == {10 * MIB}
