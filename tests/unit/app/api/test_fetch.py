import asyncio
from contextlib import asynccontextmanager

import pytest

from app.api.fetch import fetch
from app.api.ranges import Span
from drivers.errors import Unavailable

KIB = 1 << 10
CONTENT = bytes(range(256)) * 16 * KIB


class Blob:
    """Content that remembers its reads; those from *broken* on fail."""

    def __init__(self, broken=1 << 40):
        self.broken = broken
        self.begun = []
        self.open = 0

    @asynccontextmanager
    async def stream(self, start, stop):
        self.begun.append((start, stop))
        await asyncio.sleep(0)
        if start >= self.broken:
            raise Unavailable("broken")

        async def chunks():
            for at in range(start, stop, 100_000):
                yield CONTENT[at : min(stop, at + 100_000)]

        self.open += 1
        try:
            yield chunks()
        finally:
            self.open -= 1


async def fetched(blob, spans, found=None):
    found = [b""] * len(spans) if found is None else found
    async for number, piece in fetch(blob, spans):
        found[number] += piece
    return found


async def test_neighbours_come_with_one_read_and_what_lies_between_is_dropped():
    blob, spans = Blob(), [Span(10, 20), Span(200, 250_000), Span(300_000, 300_001)]
    assert await fetched(blob, spans) == [CONTENT[span.start : span.stop] for span in spans]
    assert blob.begun == [(10, 300_001)]


async def test_what_is_far_apart_is_read_apart_and_a_few_reads_begin_ahead():
    blob, spans = Blob(), [Span(at, at + 5) for at in range(0, 4_000_000, 400_000)]
    pieces = fetch(blob, spans)
    assert await anext(pieces) == (0, CONTENT[:5])
    assert len(blob.begun) == 4
    await pieces.aclose()
    assert blob.open == 0
    assert await fetched(blob, spans) == [CONTENT[span.start : span.stop] for span in spans]
    assert blob.open == 0


async def test_a_read_that_fails_is_told_when_its_turn_comes_and_the_others_are_closed():
    blob, spans = (
        Blob(broken=800_000),
        [Span(0, 5), Span(400_000, 400_005), Span(800_000, 800_005), Span(1_200_000, 1_200_005)],
    )
    found = [b""] * 4
    with pytest.raises(Unavailable, match="broken"):
        await fetched(blob, spans, found)
    assert [len(each) for each in found] == [5, 5, 0, 0]
    assert blob.open == 0


async def test_nothing_is_left_open_when_the_reader_is_called_off_while_reads_begin():
    blob, began = Blob(), asyncio.Event()

    @asynccontextmanager
    async def stuck(start, stop):
        blob.open += 1
        began.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            blob.open -= 1

    blob.stream = stuck
    reading = asyncio.create_task(fetched(blob, [Span(0, 5), Span(400_000, 400_005)]))
    await began.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert blob.open == 0
