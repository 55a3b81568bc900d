"""How files are put together from parts of others, within S3's limits. Pure: no request is made here."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from drivers.s3.settings import MAX_PART, MAX_PARTS, MIN_PART

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from *start* up to, not including, *stop* of the file with the number *index*."""

    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Copied:
    """A part that the store copies by itself."""

    span: Span


@dataclass(frozen=True, slots=True)
class Joined:
    """A part that is read and sent: *spans* are too small to be parts. The tail follows them in the last part."""

    spans: tuple[Span, ...]


@dataclass(slots=True)
class _Planner:
    threshold: int
    chunk: int
    parts: list[Copied | Joined] = field(default_factory=list)
    small: list[Span] = field(default_factory=list)  # not enough for a part yet

    def take(self, span: Span) -> None:
        pending = sum(map(len, self.small))
        if self.small:
            lacking = MIN_PART - pending
            if len(span) - lacking >= MIN_PART:
                head = Span(span.index, 0, lacking)
                self._join(head)
                span = Span(span.index, lacking, span.stop)
            elif len(span) >= lacking:
                self._join(span)
                return
        if len(span) < MIN_PART:
            self.small.append(span)
            return
        self.parts.extend(map(Copied, self._split(span)))

    def end(self, *, tail: bool) -> None:
        if not tail and len(self.small) == 1 and len(self.small[0]):
            self.parts.append(Copied(self.small[0]))  # the last may be small
        elif tail or self.small or not self.parts:
            self.parts.append(Joined(tuple(self.small)))

    def _join(self, last: Span) -> None:
        self.parts.append(Joined((*self.small, last)))
        self.small.clear()

    def _split(self, span: Span) -> Iterator[Span]:
        size = len(span)
        number = 1 if size <= self.threshold else max(1, min(-(-size // self.chunk), size // MIN_PART))
        edges = [span.start + size * edge // number for edge in range(number + 1)]
        for start, stop in pairwise(edges):
            yield Span(span.index, start, stop)


def plan(sizes: Sequence[int], *, tail: bool, threshold: int, chunk: int) -> Sequence[Copied | Joined]:
    """Return the parts, in order, that make one file of files of *sizes*, and of a tail if there is one.

    Every part but the last has at least 5 MiB and at most 5 GiB; they are at most 10,000 as long as the files are not
    more than 5,000. What is joined is less than 10 MiB, without the tail. The last part has the tail.

    Args:
        sizes: of the files.
        tail: bytes follow that are in no file.
        threshold: a larger file is copied in parts.
        chunk: of about this size, or more where they would be too many.
    """
    grown = max(chunk, -(-sum(sizes) * 2 // MAX_PARTS))
    planner = _Planner(min(threshold, MAX_PART), min(grown, MAX_PART))
    for index, size in enumerate(sizes):
        planner.take(Span(index, 0, size))
    planner.end(tail=tail)
    return planner.parts
