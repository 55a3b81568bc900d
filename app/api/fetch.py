"""Spans of a blob from a backend where each read costs a round trip.

Neighbours come with one read, and the next reads begin while one is sent. What has begun waits in its connection for
its turn, so no more than a few buffers of it are in memory.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from app.api.ranges import Span
    from app.registry.contracts import OpenBlob

_GAP: Final = 256 << 10  # bytes that are sooner read and dropped than left out by one read more
_AHEAD: Final = 4


async def fetch(blob: OpenBlob, spans: Sequence[Span]) -> AsyncGenerator[tuple[int, bytes]]:
    """Yield the bytes of *spans*, which are sorted and apart, each with the number of its span.

    Raises:
        BlobUnknown, Unavailable: the bytes are not there, or not all of them.
    """
    groups = _grouped(spans)
    async with _reads() as begin:
        begun = [begin(blob, spans, group) for group in groups[:_AHEAD]]
        for number, group in enumerate(groups):
            held, chunks = await begun[number]
            async with held, aclosing(_cut(chunks, spans, group)) as pieces:
                async for piece in pieces:
                    yield piece
            begun += [begin(blob, spans, later) for later in groups[number + _AHEAD : number + _AHEAD + 1]]


def _grouped(spans: Sequence[Span]) -> list[range]:
    """Return the numbers of the spans that are read together."""
    groups: list[range] = []
    for number, span in enumerate(spans):
        near = bool(groups) and span.start - spans[number - 1].stop <= _GAP
        first = groups.pop().start if near else number
        groups.append(range(first, number + 1))
    return groups


_Read = tuple[AsyncExitStack, "AsyncIterator[bytes]"]


@asynccontextmanager
async def _reads() -> AsyncGenerator[Callable[[OpenBlob, Sequence[Span], range], asyncio.Task[_Read]]]:
    """Give what begins a read; all of them are over when the block is left."""
    tasks: list[asyncio.Task[_Read]] = []

    def begin(blob: OpenBlob, spans: Sequence[Span], group: range) -> asyncio.Task[_Read]:
        tasks.append(asyncio.create_task(_open(blob, spans[group[0]].start, spans[group[-1]].stop)))
        return tasks[-1]

    try:
        yield begin
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(outcome, BaseException):
                await outcome[0].aclose()


async def _open(blob: OpenBlob, start: int, stop: int) -> _Read:
    held = AsyncExitStack()
    return held, await held.enter_async_context(blob.stream(start, stop))


async def _cut(chunks: AsyncIterator[bytes], spans: Sequence[Span], group: range) -> AsyncGenerator[tuple[int, bytes]]:
    """Leave out what lies between the spans of *group*."""
    at = spans[group[0]].start
    async for chunk in chunks:
        for number in group:
            span = spans[number]
            piece = chunk[max(0, span.start - at) : max(0, span.stop - at)]
            if piece:
                yield number, piece
        at += len(chunk)
