"""Ten thousand requests that nobody should send: each gets an answer below 500 or a closed connection, and no traceback."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import random

import pytest

from app.oci.mediatype import OCI_IMAGE
from tests.support.hostile import Hostile
from tests.support.pushes import image, push_blob, sha256, sha512
from tests.support.running import configuration, running

REQUESTS = 10_000
CONNECTIONS = 16
PATIENCE = 20.0


async def _ask(host: str, port: int, request: bytes) -> int:
    """Send one request on a connection of its own; the status of the answer, 0 if the server just closed."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    try:
        writer.write(request)
        while True:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                return status
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _prepared(wire) -> tuple[list[str], list[str]]:
    """Push something, so that the requests get past the first check."""
    digests = []
    for name in ("a", "library/app"):
        await push_blob(wire, name, b"{}")
        await push_blob(wire, name, b"layer" * 1000)
        content = image(b"{}", b"layer" * 1000)
        answer = await wire("PUT", f"/v2/{name}/manifests/latest", ("Content-Type", OCI_IMAGE), body=content)
        assert answer.status == 201
        digests += [sha256(b"{}"), sha256(b"layer" * 1000), sha256(content), sha512(b"{}")]
    return ["a", "library/app", "not/there"], digests


@pytest.mark.timeout(300)
@pytest.mark.parametrize("driver", ["memory", "filesystem"])
async def test_no_request_leads_to_a_500_or_a_traceback(driver, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    loop_errors = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: loop_errors.append(context))
    seen = collections.Counter()
    async with running(configuration(driver, tmp_path)) as wire:
        names, digests = await _prepared(wire)
        hostile = Hostile(random.Random(f"{driver}-1"), names, digests, [])
        turns = asyncio.Semaphore(CONNECTIONS)

        async def one(request: bytes) -> None:
            async with turns:
                status = await _ask(wire.host, wire.port, request)
            seen[status] += 1
            assert status < 500, request[:3000]

        for batch in range(REQUESTS // 2 // 250):
            if batch % 4 == 0:
                answer = await wire("POST", "/v2/a/blobs/uploads/", body=b"")
                hostile.locations.append(answer.location)
            async with asyncio.TaskGroup() as group:
                for _ in range(250):
                    group.create_task(one(hostile.request()))
        assert (await wire("GET", "/v2/")).status == 200
    print(driver, dict(sorted(seen.items())))
    assert sum(seen.values()) == REQUESTS // 2
    assert not caplog.records
    assert not loop_errors
