"""What another program has sent in parts becomes a file."""

from __future__ import annotations

import asyncio

import pytest

from drivers.contract import SupportsMultipartRecovery
from drivers.errors import PathNotFound, Unavailable
from drivers.s3.multipart import Multipart
from tests.contracts.samples import MIB
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = "/folder/data"
FIRST = b"1" * 5 * MIB
REST = b"2" * 1000


async def left(client, *parts, path=FILE):
    upload = await Multipart.create(client, path)
    for number, part in enumerate(parts, 1):
        await upload.send(number, part)


async def test_parts_become_the_file(driver, client, uploads):
    assert isinstance(driver, SupportsMultipartRecovery)
    await left(client, FIRST, REST)
    await driver.recover(FILE)
    assert await driver.get(FILE) == FIRST + REST
    assert await uploads() == []
    await driver.recover(FILE)
    assert await driver.get(FILE) == FIRST + REST


async def test_where_there_are_no_parts_nothing_happens(driver, client):
    await driver.recover(FILE)
    await left(client)
    await driver.recover(FILE)
    with pytest.raises(PathNotFound):
        await driver.get(FILE)


async def test_neighbours_are_left_alone(driver, client, uploads):
    await left(client, REST, path=f"{FILE}-2")
    await left(client, REST, path=f"{FILE}/3")
    await driver.recover(FILE)
    assert len(await uploads()) == 2


async def test_the_most_bytes_count(driver, client):
    await left(client, REST[:10])
    await left(client, FIRST, REST)
    await left(client, REST)
    await driver.recover(FILE)
    assert await driver.get(FILE) == FIRST + REST
    await driver.put(FILE, FIRST + REST + REST)  # and it may be the file's already
    await driver.recover(FILE)
    assert await driver.get(FILE) == FIRST + REST + REST


async def test_a_file_that_was_shorter_is_replaced(driver, client):
    await driver.put(FILE, REST)
    await left(client, FIRST)
    await driver.recover(FILE)
    assert await driver.get(FILE) == FIRST


async def test_several_at_once_do_no_harm(driver, client):
    await left(client, FIRST, REST)
    await asyncio.gather(*(driver.recover(FILE) for _ in range(4)))
    assert await driver.get(FILE) == FIRST + REST


async def test_it_costs_four_requests(behind, client, proxy):
    await left(client, REST)
    await behind.recover(FILE)
    assert proxy.taken() == ["ListMultipartUploads", "ListParts", "HeadObject", "CompleteMultipartUpload"]


async def test_an_answer_that_was_lost_is_no_failure(behind, client, proxy):
    await left(client, FIRST, REST)
    harmed = []

    def once(verb, _number):
        if verb != "CompleteMultipartUpload" or harmed:
            return None
        harmed.append(verb)
        return Fault(Harm.LOSE)

    proxy.plan = once
    await behind.recover(FILE)
    assert harmed
    assert await behind.get(FILE) == FIRST + REST


async def test_a_store_that_refuses_to_list_is_a_failure_and_no_absence(behind, client, proxy):
    await left(client, REST)
    proxy.plan = lambda verb, _: Fault(Harm.REFUSE, 403, "AccessDenied") if verb == "ListMultipartUploads" else None
    with pytest.raises(Unavailable):
        await behind.recover(FILE)
