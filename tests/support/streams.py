"""Large contents that follow from a seed and are never anywhere as a whole."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB: Final = 1 << 20
_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class Stream:
    """So many *mib* (MiB) of bytes; no two MiB are alike, of one stream or of two with different seeds."""

    seed: int
    mib: int
    _block: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_block", random.Random(self.seed).randbytes(MIB - _NUMBER))

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.mib * MIB

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield each MiB from number *start* up to, not including, *stop*."""
        for number in range(start, self.mib if stop is None else stop):
            yield number.to_bytes(_NUMBER) + self._block

    def digest(self) -> str:
        """The sha256 of all of it."""
        found = hashlib.sha256()
        for piece in self.pieces():
            found.update(piece)
        return f"sha256:{found.hexdigest()}"
