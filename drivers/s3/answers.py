"""What an answer must say to be believed: of which version it tells, and which bytes are to come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from drivers.contract import Version
from drivers.s3.faults import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def version_of(answer: Mapping[str, Any]) -> Version:
    """Return the ETag of an answer.

    Raises:
        TransientError: it has none: nobody can tell whether the request was carried out.
    """
    tag = answer.get("ETag")
    if not tag:
        raise TransientError("an answer has no ETag")
    return Version(tag)


@dataclass(frozen=True, slots=True)
class Body:
    """An answer whose content is still to come in the SDK's *stream*; the stream raises if that breaks off.

    Attributes:
        version: of the object.
        start: of the bytes in the object.
        size: of the object; None: the store does not tell.
    """

    stream: Any
    version: Version
    start: int
    size: int | None

    @classmethod
    def of(cls, answer: Mapping[str, Any], start: int) -> Body:
        """Return what comes with *answer*, to a request for the bytes from *start* on.

        Raises:
            TransientError: it begins after them, or nobody can tell where.
        """
        told = answer.get("ContentRange")
        if told is None:
            return cls(answer["Body"], version_of(answer), 0, answer.get("ContentLength"))
        found = _RANGE.fullmatch(told)
        if found is None or int(found[1]) > start:
            raise TransientError(f"asked for the bytes from {start} on, the store answers {told!r}")
        size = None if found[2] == "*" else int(found[2])
        return cls(answer["Body"], version_of(answer), int(found[1]), size)

    def stop(self, asked: int | None) -> int | None:
        """Return where the bytes end of which those before *asked* are wanted; None: with the stream."""
        ends = [end for end in (asked, self.size) if end is not None]
        return min(ends, default=None)
