"""Pages of lists: ``n``, ``last`` and the Link to the next page (RFC 8288). Reads one element more than it returns."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import quote

from app.oci.errors import PaginationInvalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted: at most *size* elements (``None``: all) after the element *after*."""

    size: int | None
    after: str

    @classmethod
    def parse(cls, query: Mapping[str, str], *, default: int | None, ceiling: int | None) -> PageRequest:
        """Read ``n`` and ``last``. Empty ones count as absent, and a larger ``n`` than *ceiling* as *ceiling*.

        Raises:
            PaginationInvalid: ``n`` is not a number of ASCII digits, or an absurd one.
        """
        text = query.get("n", "")
        size = default
        if text:
            if _NUMBER.fullmatch(text) is None:
                raise PaginationInvalid(detail={"n": text[:40]})
            size = int(text)
        if size is not None and ceiling is not None:
            size = min(size, ceiling)
        return cls(size, query.get("last", ""))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Elements, and whether there are more."""

    items: list[T]
    more: bool


async def take(elements: AsyncIterator[T], size: int | None) -> Page[T]:
    """Read a page from *elements*, which is closed afterwards. A size of 0 asks whether there is a list at all."""
    items: list[T] = []
    try:
        async for element in elements:
            if size is not None and len(items) >= size:
                return Page(items, more=size > 0)
            items.append(element)
    finally:
        if isinstance(elements, AsyncGenerator):
            await elements.aclose()
    return Page(items, more=False)


def next_link(path: str, **query: str | int) -> str:
    """Return the Link header that leads to *path* with *query*; empty values are left out."""
    pairs = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items() if value != "")
    return f'<{path}?{pairs}>; rel="next"'
