"""The index of repositories: one key each, so that the catalog is one listing and never a walk over the whole tree.

It can be thrown away at any time: where it was never built, `RepositoryIndex.prepare` builds it from the repositories
themselves. Knows nothing of what is in a repository.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from app.oci.errors import NameInvalid
from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.recent import Recent
from app.registry.together import together
from drivers.errors import PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.contract import Driver

_REMEMBERED: Final = 65_536  # names of which this process knows that their key is written
_MANIFESTS: Final = "_manifests"
_OF_NAMES: Final = frozenset("-./0123456789_abcdefghijklmnopqrstuvwxyz")
_BETWEEN: Final = (("-", "!"), ("_", "Z"), ("a", "`"))


def _place(character: str) -> str:
    """Return *character* as `layout.encode_name` would, or, if no name has it, what sorts between its neighbours.

    A client may name anything as the last repository it saw.
    """
    if character in _OF_NAMES:
        return layout.encode_name(character)
    for neighbour, between in _BETWEEN:
        if character < neighbour:
            return between
    return "~"


class RepositoryIndex:
    """Which repositories have or had a manifest, in one process's view of one store."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._written: Final[Recent[RepositoryName, None]] = Recent(_REMEMBERED)

    async def add(self, name: RepositoryName) -> None:
        """Make sure that *name* has its key; once in a process that costs a write, then nothing."""
        if name in self._written:
            return
        await self._driver.put(layout.repository_key(name), name.encode())
        self._written.put(name, None)

    async def names(self, *, after: str = "") -> AsyncIterator[RepositoryName]:
        """Yield the repositories after the name *after*, in byte order."""
        try:
            async for key in self._driver.list(layout.REPOSITORY_INDEX, after="".join(map(_place, after))):
                try:
                    yield layout.decode_name(key)
                except NameInvalid:  # not ours
                    continue
        except PathNotFound:
            return

    async def prepare(self) -> None:
        """Build the index if that was never done; else this costs one look.

        Interrupted, it begins anew the next time: the mark that it is done is written last.
        """
        try:
            await self._driver.get(layout.REPOSITORY_INDEX_BUILT)
        except PathNotFound:
            await self._build()
            await self._driver.put(layout.REPOSITORY_INDEX_BUILT, b"1")

    async def _build(self) -> None:
        """Look into the folders level by level; below a repository's own (``_manifests`` and the like) never."""
        level = [layout.REPOSITORIES]
        while level:
            below = await together(self._visit, level)
            level = [child for children in below for child in children]

    async def _visit(self, folder: str) -> list[str]:
        """Add the repository that *folder* is, if it is one, and return the folders below it that may be others."""
        try:
            names = [name async for name in self._driver.list(folder)]
        except PathNotFound:
            return []
        if _MANIFESTS in names:
            with suppress(NameInvalid):  # clients cannot ask for it either
                await self.add(RepositoryName.parse(folder.removeprefix(f"{layout.REPOSITORIES}/")))
        return [f"{folder}/{name}" for name in names if not name.startswith("_")]
