"""Where the bytes of a session are until they are published, as its writer sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.registry.records import Piece


class Stage(Protocol):
    """The bytes that a record acknowledges, and those that one request adds.

    Every step but `close` may find that what the record names is gone, and raises PathNotFound.
    """

    async def open(self) -> None:
        """Make sure that nobody else changes anything until `close`, where bytes can change. Once is enough.

        Raises:
            UploadOutOfOrder, BlobUploadUnknown: the session went on, or was ended, without us.
            Busy: somebody else is at it.
        """
        ...

    async def write(self, chunk: bytes, /) -> None:
        """Add *chunk*."""
        ...

    async def seal(self) -> tuple[tuple[Piece, ...], bytes]:
        """Store what was added and return the pieces and the tail that now hold everything."""
        ...

    def keep(self) -> None:
        """From now on a record may name what was added."""
        ...

    def drop(self) -> None:
        """No record does, after all."""
        ...

    def read(self) -> AsyncIterator[bytes]:
        """Yield everything, sealed or not, from the first byte on."""
        ...

    async def publish(self, target: str, /) -> None:
        """Make everything the content of *target*, durably, over what was there. Nothing may follow but `close`."""
        ...

    def leftovers(self) -> tuple[Piece, ...]:
        """The acknowledged pieces that are still there."""
        ...

    async def close(self) -> None:
        """Let go, and remove what this request added unless it was kept."""
        ...
