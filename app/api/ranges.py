"""Range for blobs (RFC 9110 section 14) and Content-Range for chunks (distribution-spec). Knows only text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.oci.errors import BlobUploadInvalid, RangeInvalid, SizeInvalid

_SPEC: Final = re.compile(r"[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*", re.ASCII)
_CHUNK: Final = re.compile(r"(?:bytes[ =])?[ \t]*([0-9]{1,18})-([0-9]{1,18})(?:/(?:\*|[0-9]{1,18}))?", re.ASCII)
_MOST: Final = 64  # ranges in one request; RFC 9110 section 14.2 lets a server refuse "many small ranges"
_GAP: Final = 128  # about what the head of one more part costs: a smaller gap is cheaper to send than to skip


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes from *start* up to, not including, *stop*."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """The value of Content-Range for these bytes of *size*."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_range(header: str, size: int) -> tuple[Span, ...]:
    """Return the spans of *header* in content of *size* bytes, joined where they touch; none: send the whole.

    Another unit, broken syntax and empty content mean the whole. A range whose end lies before its start is
    refused, although RFC 9110 would have it ignored: the conformance tool asks for it.

    Raises:
        RangeInvalid: no byte lies in any range, an end lies before its start, or there are too many ranges.
    """
    unit, equals, text = header.partition("=")
    if not equals or unit.strip().lower() != "bytes" or size == 0:
        return ()
    specs = [spec for spec in text.split(",") if spec.strip()]
    if len(specs) > _MOST:
        raise RangeInvalid(size)
    spans: list[Span] = []
    for spec in specs:
        match = _SPEC.fullmatch(spec)
        if match is None or match[0].strip() == "-":
            return ()
        span = _span(match[1], match[2], size)
        if len(span) > 0:
            spans.append(span)
    if specs and not spans:
        raise RangeInvalid(size)
    return tuple(_joined(spans)) if len(spans) > 1 else tuple(spans)


def _span(first: str, last: str, size: int) -> Span:
    if not first:
        return Span(max(0, size - _number(last)), size)
    start = _number(first)
    if not last:
        return Span(min(start, size), size)
    stop = _number(last) + 1
    if stop <= start:
        raise RangeInvalid(size)
    return Span(min(start, size), min(stop, size))


def _number(digits: str) -> int:
    """The number, or one beyond every size: `int` refuses thousands of digits."""
    return int(digits.lstrip("0")[:20] or "0")


def _joined(spans: list[Span]) -> list[Span]:
    spans.sort()
    joined = spans[:1]
    for span in spans[1:]:
        if span.start <= joined[-1].stop + _GAP:
            joined[-1] = Span(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def parse_chunk(header: str | None, length: int | None) -> Span | None:
    """Return the bytes that a chunk says it is, from Content-Range ``first-last``; ``None``: it does not say.

    RFC 9110's own form, ``bytes first-last/*``, is understood too. *length* is the request's Content-Length.

    Raises:
        BlobUploadInvalid: malformed, or its end lies before its start.
        SizeInvalid: it is not as long as the request's body.
    """
    if header is None:
        return None
    match = _CHUNK.fullmatch(header.strip())
    if match is None:
        raise BlobUploadInvalid("malformed Content-Range: first-last was expected", detail=header[:160])
    span = Span(int(match[1]), int(match[2]) + 1)
    if span.stop <= span.start:
        raise BlobUploadInvalid("Content-Range ends before it starts", detail=header[:160])
    if length is not None and length != len(span):
        raise SizeInvalid("Content-Range does not have the length of the body", detail={"length": length})
    return span
