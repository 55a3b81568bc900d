import pytest

from app.api.ranges import Span, parse_chunk, parse_range
from app.oci.errors import BlobUploadInvalid, RangeInvalid, SizeInvalid


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("bytes=5-", [(5, 1000)]),
        ("bytes=-5", [(995, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=990-2000", [(990, 1000)]),
        ("Bytes = 0-0", [(0, 1)]),
        ("bytes=0-0,900-909", [(0, 1), (900, 910)]),
        ("bytes=900-909, 0-0", [(0, 1), (900, 910)]),
        ("bytes=0-9,5-20,2000-", [(0, 21)]),
        ("bytes=0-9,10-19", [(0, 20)]),
        ("bytes=0-99999999999999999999999999", [(0, 1000)]),
        ("bytes=0-" + "9" * 6000, [(0, 1000)]),
        ("bytes=0,1", []),
        ("bytes=a-b", []),
        ("bytes=-", []),
        ("bytes=\uff11-\uff12", []),
        ("bytes=--5", []),
        ("bytes", []),
        ("items=0-4", []),
        ("", []),
    ],
)
def test_a_range_names_these_spans_of_a_thousand_bytes(header, spans):
    assert [(span.start, span.stop) for span in parse_range(header, 1000)] == spans


@pytest.mark.parametrize(
    "header", ["bytes=1000-", "bytes=500-0", "bytes=-0", "bytes=" + "9" * 6000 + "-", "bytes=1-2," * 65]
)
def test_a_range_without_a_byte_in_it_is_refused_with_the_size(header):
    with pytest.raises(RangeInvalid) as refusal:
        parse_range(header, 1000)
    assert refusal.value.size == 1000


def test_empty_content_is_sent_whole_whatever_range_is_asked_for():
    assert parse_range("bytes=0-10", 0) == ()


def test_content_range_counts_both_ends_in():
    assert Span(5, 10).content_range(20) == "bytes 5-9/20"


@pytest.mark.parametrize("header", ["0-9", "bytes 0-9/*", "bytes 0-9/100", "bytes=0-9", " 0-9 "])
def test_a_chunk_may_say_its_place_in_the_specs_form_or_that_of_http(header):
    assert parse_chunk(header, 10) == Span(0, 10)


@pytest.mark.parametrize(
    "header", ["", "0", "-9", "9-", "a-b", "5-4", "5-0", "0-9-10", "+0-9", "0x0-9", "\uff19-9", "9" * 30 + "-1"]
)
def test_a_chunk_with_a_malformed_place_is_refused(header):
    with pytest.raises(BlobUploadInvalid):
        parse_chunk(header, None)


def test_a_chunk_that_is_not_as_long_as_it_says_is_refused():
    with pytest.raises(SizeInvalid):
        parse_chunk("0-9", 11)
    assert parse_chunk(None, 11) is None
