from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.s3.plan import Copied, Joined, Span, plan
from drivers.s3.settings import GIB, MAX_PART, MAX_PARTS, MIB, MIN_PART

SIZES = st.one_of(
    st.integers(0, 12 * MIB),
    st.sampled_from([0, 1, MIN_PART - 1, MIN_PART, MIN_PART + 1, 2 * MIN_PART - 1, 2 * MIN_PART, 32 * MIB]),
    st.integers(0, 200 * GIB),
)


def spans(part):
    return [part.span] if isinstance(part, Copied) else list(part.spans)


@given(
    st.lists(SIZES, max_size=20),
    st.booleans(),
    st.sampled_from([0, 32 * MIB, MAX_PART]),
    st.sampled_from([MIN_PART, 32 * MIB, MAX_PART]),
)
def test_the_parts_are_the_files_in_order_within_the_limits(sizes, tail, threshold, chunk):
    parts = plan(sizes, tail=tail, threshold=threshold, chunk=chunk)
    at = 0
    whole = [span for part in parts for span in spans(part)]
    for index, size in enumerate(sizes):
        of_this = [span for span in whole if span.index == index]
        assert [span.start for span in of_this] == [0, *(span.stop for span in of_this[:-1])]
        assert of_this[-1].stop == size
        assert whole[at : at + len(of_this)] == of_this
        at += len(of_this)
    assert at == len(whole)
    for part in parts[:-1]:
        assert MIN_PART <= sum(map(len, spans(part))) <= MAX_PART
    for part in parts:
        assert sum(map(len, spans(part))) < 2 * MIN_PART or isinstance(part, Copied)
    assert len(parts) <= MAX_PARTS
    assert isinstance(parts[-1], Joined) or not tail
    # A range can be copied only of what is larger than 5 MiB (UploadPartCopy, x-amz-copy-source-range).
    for span in (part.span for part in parts if isinstance(part, Copied)):
        assert len(span) == sizes[span.index] or sizes[span.index] > MIN_PART


@pytest.mark.parametrize(
    ("sizes", "tail", "wanted"),
    [
        ([], False, [Joined(())]),
        ([], True, [Joined(())]),
        ([5], False, [Copied(Span(0, 0, 5))]),
        ([5], True, [Joined((Span(0, 0, 5),))]),
        ([5, 6], False, [Joined((Span(0, 0, 5), Span(1, 0, 6)))]),
        ([6 * MIB], False, [Copied(Span(0, 0, 6 * MIB))]),
        ([6 * MIB, 5], False, [Copied(Span(0, 0, 6 * MIB)), Copied(Span(1, 0, 5))]),
        (
            [MIB, 10 * MIB],
            True,
            [Joined((Span(0, 0, MIB), Span(1, 0, 4 * MIB))), Copied(Span(1, 4 * MIB, 10 * MIB)), Joined(())],
        ),
        ([MIB, 6 * MIB], False, [Joined((Span(0, 0, MIB), Span(1, 0, 6 * MIB)))]),
        ([64 * MIB], False, [Copied(Span(0, 0, 32 * MIB)), Copied(Span(0, 32 * MIB, 64 * MIB))]),
    ],
)
def test_plans(sizes, tail, wanted):
    assert plan(sizes, tail=tail, threshold=32 * MIB, chunk=32 * MIB) == wanted
