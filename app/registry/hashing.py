"""The digests of one upload, computed while its bytes are on their way to storage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from app.registry.digester import StateInvalid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from concurrent.futures import Executor

    from app.oci.digest import Algorithm, Digest
    from app.registry.digester import Digester, Digesters

T = TypeVar("T")

_INLINE: Final = 64 * 1024  # bytes that are hashed sooner than a thread takes over


class Hashes:
    """Digests of the same bytes by several algorithms."""

    def __init__(self, digesters: dict[Algorithm, Digester]) -> None:
        self._digesters = digesters

    @property
    def algorithms(self) -> frozenset[Algorithm]:
        """Those that have seen every byte."""
        return frozenset(self._digesters)

    def update(self, chunk: bytes) -> None:
        """Add *chunk* to each."""
        for digester in self._digesters.values():
            digester.update(chunk)

    def digest(self, algorithm: Algorithm) -> Digest:
        """Return one of `algorithms`."""
        return self._digesters[algorithm].digest()

    def states(self) -> dict[Algorithm, bytes]:
        """Return the states of those that can be resumed."""
        states = ((algorithm, self._digesters[algorithm].state()) for algorithm in sorted(self._digesters))
        return {algorithm: state for algorithm, state in states if state}

    def include(self, others: Hashes) -> None:
        """Take over digests that have seen the same bytes."""
        self._digesters |= others._digesters


class Hashing:
    """Begins and resumes digests, and says where they are computed: small chunks at once, large ones in a thread.

    Args:
        digesters: make the digests.
        executor: whose threads; the event loop's own if not given.
    """

    def __init__(self, digesters: Digesters, executor: Executor | None = None) -> None:
        self._digesters = digesters
        self._executor = executor

    def begin(self, algorithms: Iterable[Algorithm], *, resumable: bool = True) -> Hashes:
        """Begin digests of nothing so far; those that will not be put away are begun with *resumable* off."""
        make = self._digesters.new if resumable else self._digesters.once
        return Hashes({algorithm: make(algorithm) for algorithm in algorithms})

    def resume(self, states: Mapping[Algorithm, bytes]) -> Hashes:
        """Carry on with those of *states* that this process understands."""
        digesters: dict[Algorithm, Digester] = {}
        for algorithm, state in states.items():
            try:
                digesters[algorithm] = self._digesters.resume(algorithm, state)
            except StateInvalid:
                continue
        return Hashes(digesters)

    async def run(self, job: Callable[[], T], size: int) -> T:
        """Return what *job*, which goes through *size* bytes, returns."""
        if size < _INLINE:
            return job()
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    async def update(self, hashes: Hashes, chunk: bytes, meanwhile: Awaitable[None]) -> None:
        """Add *chunk* to *hashes* and await *meanwhile*, both at once if that pays.

        Whatever happens to *meanwhile*, the thread has finished when this returns.
        """
        if len(chunk) < _INLINE or not hashes.algorithms:
            hashes.update(chunk)
            await meanwhile
            return
        hashed = asyncio.get_running_loop().run_in_executor(self._executor, hashes.update, chunk)
        try:
            await meanwhile
        finally:
            await hashed
