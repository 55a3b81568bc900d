"""Streams that break off: taken up where they broke, of the same version, or ended in an error; never padded."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import pytest_asyncio

from drivers.errors import Unavailable
from drivers.s3.connection import connect
from drivers.s3.opening import make_client, make_driver
from tests.contracts.samples import MIB, read
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTENT = os.urandom(3 * MIB + 5)
SPANS = {
    "whole": {},
    "from an offset": {"offset": MIB + 7},
    "of a length": {"length": 2 * MIB},
    "from the middle": {"offset": 3, "length": 3 * MIB},
    "beyond the end": {"offset": 3, "length": 9 * MIB},
}
BREAKS = {
    "cut half-way": Fault(Harm.CUT),
    "cut before the first byte": Fault(Harm.CUT, after=0),
    "cut after one byte": Fault(Harm.CUT, after=1),
    "stalled before the first byte": Fault(Harm.HANG, after=0),
    "stalled half-way": Fault(Harm.HANG),
}


@pytest_asyncio.fixture(loop_scope="session")
async def reader(proxy, settings, conditions, driver):
    """A driver that reads through the proxy, and waits for nothing."""
    await driver.put("/file", CONTENT)
    hasty = replace(
        settings, regionendpoint=proxy.store.endpoint, requesttimeout=2.0, transfertimeout=0.3, retrybudget=0
    )
    async with connect(hasty) as connection:
        yield make_driver(connection, make_client(connection, hasty), hasty, conditions)


@pytest.fixture
def breaks(proxy):
    """Lets the first answers to a GET break as told, or all of them."""

    def plan(*faults, always=False):
        left = list(faults)

        def harm(verb, _):
            if verb != "GetObject" or not left:
                return None
            return left[0] if always else left.pop(0)

        proxy.plan = harm
        proxy.taken()

    return plan


@pytest.fixture
def unsigned(store):
    if store.name != "moto":
        pytest.skip("the signature covers the range, and this store looks at it")


def wanted(offset=0, length=None):
    return CONTENT[offset:] if length is None else CONTENT[offset : offset + length]


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS)
async def test_a_stream_that_breaks_off_goes_on_where_it_broke_in_the_same_version(reader, proxy, breaks, span, fault):
    breaks(fault)
    assert await read(reader, "/file", **span) == wanted(**span)
    at = span.get("offset", 0) + (len(wanted(**span)) // 2 if fault.after is None else fault.after)
    assert proxy.ranges[1].startswith(f"bytes={at}-" if at else "")
    assert proxy.taken() == ["GetObject", "GetObject"]
    assert proxy.headers["If-Match"] == (await reader.get_version("/file"))[1]


@pytest.mark.parametrize("span", [span for span in SPANS.values() if span], ids=[name for name in SPANS if SPANS[name]])
async def test_an_answer_that_is_shorter_than_the_range_it_tells_is_completed(reader, proxy, breaks, span):
    breaks(Fault(Harm.SHORT), Fault(Harm.SHORT, after=100))
    assert await read(reader, "/file", **span) == wanted(**span)
    assert proxy.taken() == ["GetObject"] * 3
    breaks(Fault(Harm.SHORT))
    with pytest.raises(Unavailable):
        await reader._client.get("/file", start=5)


async def test_a_store_that_knows_no_ranges_gives_the_same_bytes(reader, proxy, breaks, unsigned):
    proxy.hidden = frozenset({"Range"})
    for span in SPANS.values():
        breaks()
        assert await read(reader, "/file", **span) == wanted(**span)
        breaks(Fault(Harm.CUT))
        assert await read(reader, "/file", **span) == wanted(**span)


async def test_a_store_that_answers_another_range_is_not_believed(reader, proxy, unsigned):
    proxy.replaced = {"Range": "bytes=10-20"}
    with pytest.raises(Unavailable, match="answers 'bytes 10-20/"):
        await read(reader, "/file", offset=5)
    assert await read(reader, "/file", offset=12, length=3) == wanted(12, 3)


async def test_a_stream_that_breaks_off_again_and_again_fails_and_what_came_is_the_beginning(reader, breaks):
    breaks(Fault(Harm.CUT, after=1000), always=True)
    came = bytearray()

    async def take_all():
        async with reader.reader("/file") as chunks:
            async for chunk in chunks:
                came.extend(chunk)

    with pytest.raises(Unavailable):
        await take_all()
    assert CONTENT.startswith(came)
    assert 0 < len(came) < len(CONTENT)


async def test_a_stream_that_never_begins_fails_before_its_first_byte(reader, proxy, breaks):
    breaks(Fault(Harm.CUT, after=0), always=True)
    async with reader.reader("/file") as chunks:
        with pytest.raises(Unavailable):
            await anext(chunks)
    assert len(proxy.taken()) > 1


async def test_a_large_file_gets_through_however_often_its_stream_breaks_off(reader, driver, breaks):
    content = os.urandom(20 * MIB)
    await driver.put("/large", content)
    breaks(Fault(Harm.CUT, after=2 * MIB), always=True)
    assert await read(reader, "/large") == content


async def test_a_stream_whose_file_is_replaced_meanwhile_never_mixes_the_two(reader, driver, breaks):
    async def replaced_meanwhile():
        async with reader.reader("/file") as chunks:
            came = await anext(chunks)
            await driver.put("/file", b"b" * len(CONTENT))
            async for chunk in chunks:
                came += chunk
                assert CONTENT.startswith(came)

    breaks(Fault(Harm.CUT))
    with pytest.raises(Unavailable, match="changed"):
        await replaced_meanwhile()


async def test_a_stream_whose_file_is_deleted_meanwhile_fails_and_is_no_absence(reader, driver, breaks):
    async def deleted_meanwhile():
        async with reader.reader("/file") as chunks:
            await anext(chunks)
            await driver.delete("/file")
            async for _ in chunks:
                pass

    breaks(Fault(Harm.CUT))
    with pytest.raises(Unavailable, match="changed"):
        await deleted_meanwhile()
