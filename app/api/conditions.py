"""Conditional requests (RFC 9110 section 13): the entity tag of content is its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.oci.errors import PreconditionFailed
from app.registry.contracts import Precondition

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from app.oci.digest import Digest

# An entity tag, or a digest that a client sent without its quotes.
_ENTITY_TAG: Final = re.compile(r'[ \t,]*(?:(W/)?"([^"]*)"|([^\s,"]+))[ \t]*')


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The value of If-Match or If-None-Match."""

    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()
    any: bool = False

    @classmethod
    def parse(cls, values: list[str]) -> EntityTags:
        """Read all header lines of one name; what is no entity tag names nothing."""
        strong: set[str] = set()
        weak: set[str] = set()
        for match in _ENTITY_TAG.finditer(",".join(values)):
            mark, quoted, bare = match.groups()
            (weak if mark else strong).add(bare if quoted is None else quoted)
        return cls(frozenset(strong), frozenset(weak), any="*" in strong)


def check_match(headers: CIMultiDictProxy[str], digest: Digest) -> None:
    """Let a request on existing content pass if its If-Match holds (strong comparison).

    Raises:
        PreconditionFailed: it does not.
    """
    if "If-Match" in headers:
        tags = EntityTags.parse(headers.getall("If-Match"))
        if not tags.any and digest not in tags.strong:
            raise PreconditionFailed(detail={"etag": digest})


def not_modified(headers: CIMultiDictProxy[str], digest: Digest) -> bool:
    """Whether If-None-Match names this existing content, so that GET and HEAD answer 304 (weak comparison)."""
    if "If-None-Match" not in headers:
        return False
    tags = EntityTags.parse(headers.getall("If-None-Match"))
    return tags.any or digest in tags.strong or digest in tags.weak


def range_applies(headers: CIMultiDictProxy[str], digest: Digest) -> bool:
    """Whether If-Range, if there is one, lets Range count: only the entity tag itself does, never a date."""
    condition = headers.get("If-Range")
    return condition is None or condition.strip() == f'"{digest}"'


def precondition(headers: CIMultiDictProxy[str]) -> Precondition | None:
    """What must hold for a tag that is written or removed; ``None``: no condition was sent."""
    if "If-Match" not in headers and "If-None-Match" not in headers:
        return None
    match = EntityTags.parse(headers.getall("If-Match", []))
    unlike = EntityTags.parse(headers.getall("If-None-Match", []))
    return Precondition(
        absent=unlike.any,
        digests=match.strong if "If-Match" in headers and not match.any else None,
        any=match.any,
        unlike=frozenset() if unlike.any else unlike.strong | unlike.weak,
    )
