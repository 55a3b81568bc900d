"""What is below a folder, page by page, in the order of names: the order of keys is another.

In keys a folder's name is followed by a slash, so `1.0-alpine/` and `1.0.1/` come before `1.0/`. Of the characters
that a name may have only ``-`` and ``.`` sort before the slash: a page that was cut may lack a folder whose name sorts
before names on it only if that name is a prefix of the page's last key that ends before one of those two.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from drivers.paths import below, is_name
from drivers.s3.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from drivers.contract import FileInfo
    from drivers.s3.client import Page

_BEFORE_THE_SLASH: Final = re.compile(r"[-.]")
_LOOKUPS: Final = 16


class Lister(Protocol):
    """Who makes the requests: `drivers.s3.client.Client`."""

    async def page(
        self, folder: str, *, deep: bool, after: str = "", more: str | None = None, most: int = 1000
    ) -> Page:
        """As `drivers.s3.client.Client.page`."""
        ...


async def names(lister: Lister, folder: str, after: str, *, most: int) -> AsyncGenerator[str]:
    """Yield the names in *folder* that sort after *after*, in order; *most* names or fewer are asked for at a time.

    A request for each page. At the end of a page that was cut, and not before the names that sort ahead of it have been
    taken, one for each prefix as above.
    """
    prefix = below(folder)
    start = f"{prefix}{after}" if after else ""
    more: str | None = None
    first = True
    while first or more is not None:
        page = await lister.page(folder, deep=False, after=start, more=more, most=most)
        first, more = False, page.more
        files = [file.path[len(prefix) :] for file in page.files]
        # Names up to the last that was yielded: the keys of folders that were found ahead of their turn come later.
        found = sorted({name for name in (*files, *page.folders) if name > after and is_name(name)})
        hidden = [] if more is None else [name for name in _hidden(page, files) if name > after]
        for name in found:
            if hidden and name > hidden[0]:
                break
            yield name
            after = name
        if not hidden:
            continue
        there = await run_all([partial(_is_folder, lister, prefix + name) for name in hidden], _LOOKUPS)
        shown = {name for name, is_there in zip(hidden, there, strict=True) if is_there}
        for name in sorted(shown.union(found)):
            if name > after:
                yield name
                after = name


async def files(lister: Lister, folder: str, after: str, *, most: int) -> AsyncGenerator[FileInfo]:
    """Yield the files below *folder* whose paths sort after the path *after*, in order. A request for each page.

    Whatever is there, also what breaks the grammar of paths.
    """
    prefix = below(folder)
    if after > prefix and not after.startswith(prefix):
        return  # beyond all that is in it
    start = after if after.startswith(prefix) else ""
    more: str | None = None
    first = True
    while first or more is not None:
        page = await lister.page(folder, deep=True, after=start, more=more, most=most)
        first, more = False, page.more
        for file in page.files:
            if file.path > after:
                yield file


def _hidden(page: Page, files: list[str]) -> Sequence[str]:
    last = max([*files, *(f"{name}/" for name in page.folders)], default="").rstrip("/")
    ends = (match.start() for match in _BEFORE_THE_SLASH.finditer(last))
    return [last[:end] for end in ends if is_name(last[:end])]


async def _is_folder(lister: Lister, path: str) -> bool:
    page = await lister.page(path, deep=True, most=1)
    return bool(page.files)
