"""A tag and what must hold for it, from the first look to the write (RFC 9110 section 13).

The look refuses early, before a push has stored anything; the write is a compare-and-swap against what was seen, so
that of several writers who saw the same thing exactly one succeeds. Knows nothing of what a tag points to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, ManifestUnknown, PreconditionFailed, Unavailable
from drivers.errors import Conflict, PathNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.registry.contracts import Precondition
    from drivers.contract import SupportsCompareAndSwap, Version

_TRIES: Final = 16  # each lost one means that somebody else has just moved the tag


class TagGuard:
    """One conditional write of one tag.

    Args:
        swap: where the tag is.
        path: its file.
        precondition: what must hold.
        known: the tag is to be removed, so one that is absent is unknown, whatever the precondition (RFC 9110
            section 13.2.1).
    """

    def __init__(
        self, swap: SupportsCompareAndSwap, path: str, precondition: Precondition, *, known: bool = False
    ) -> None:
        self._swap = swap
        self._path = path
        self._precondition = precondition
        self._known = known
        self._version: Version | None = None  # there is no file
        self._digest: Digest | None = None  # there is no file, or one that holds no digest

    async def look(self) -> None:
        """See what the tag is now.

        Raises:
            PreconditionFailed: it is not as it must be.
            ManifestUnknown: it is absent, and should be removed.
        """
        self._version = self._digest = None
        try:
            content, self._version = await self._swap.get_version(self._path)
            self._digest = Digest.parse(content.decode("ascii", "replace"))
        except PathNotFound:
            if self._known:
                raise ManifestUnknown from None
        except DigestInvalid:
            pass
        if not self._holds():
            raise PreconditionFailed(detail={"digest": self._digest})

    async def write(self, digest: Digest) -> None:
        """Point the tag to *digest* if it still is as it must be; else it is untouched.

        Raises:
            PreconditionFailed: it is not.
        """

        async def write() -> None:
            if self._version is None:
                await self._swap.create(self._path, digest.encode())
            else:
                await self._swap.swap(self._path, digest.encode(), self._version)

        await self._until_unopposed(write)

    async def remove(self) -> None:
        """Remove the tag if it still is as it must be; else it is untouched.

        Raises:
            PreconditionFailed: it is not.
            ManifestUnknown: it is gone.
        """

        async def remove() -> None:
            if self._version is not None:
                await self._swap.remove(self._path, self._version)

        await self._until_unopposed(remove)

    async def _until_unopposed(self, step: Callable[[], Awaitable[None]]) -> None:
        for _ in range(_TRIES):
            try:
                await step()
            except Conflict:
                await self.look()
            else:
                return
        raise Unavailable("too many requests move this tag at once", retry_after=1)

    def _holds(self) -> bool:
        asked = self._precondition
        if self._digest is None:
            return not asked.any and asked.digests is None
        return (
            not asked.absent
            and (asked.digests is None or self._digest in asked.digests)
            and self._digest not in asked.unlike
        )
