import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from app.config.model import Limits, Moorage
from app.config.units import Duration, Size
from app.main import listening, registry
from app.server.run import Stop
from tests.support.pushes import begin, image, push_blob, push_manifest, sha256
from tests.support.running import Records, changed, configuration, running
from tests.support.wire import PATIENCE, Connection, head


def limited(config, **limits):
    return changed(config, moorage=Moorage(limits=Limits(**limits)))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"rubbish\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v2/ HTTP/9.9\r\n\r\n",
        b"GET /v2/\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost a\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
    ],
    ids=range(15),
)
async def test_what_is_no_request_gets_an_error_document_and_no_traceback(tmp_path, caplog, request_bytes):
    caplog.set_level(logging.DEBUG)
    async with running(configuration("inmemory", tmp_path)) as wire, wire.connect() as connection:
        await connection.send(request_bytes)
        answer = await connection.answer()
        assert (answer.status, answer.codes) == (400, ["UNSUPPORTED"])
        assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"
        assert await connection.rest() == b""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING or record.exc_info]


async def test_an_old_client_without_keep_alive_is_served(wire):
    async with wire.connect() as connection:
        await connection.send(b"GET /v2/ HTTP/1.0\r\n\r\n")
        assert (await connection.answer()).body == b"{}"
        assert await connection.rest() == b""


@pytest.mark.parametrize("dribble", [b"", b"GET /v2/ HTTP/1.1\r\nHost: a\r\nX: "])
async def test_a_head_that_does_not_come_is_not_waited_for(tmp_path, dribble):
    config = limited(configuration("inmemory", tmp_path), headertimeout=Duration(0.2))
    async with running(config) as wire, wire.connect() as connection:
        await connection.send(dribble)
        assert await connection.rest() == b""


async def test_a_head_that_dribbles_in_is_not_waited_for(tmp_path):
    config = limited(configuration("inmemory", tmp_path), headertimeout=Duration(0.3))
    async with running(config) as wire, wire.connect() as connection:

        async def dribble():
            await connection.send(b"GET /v2/ HTTP/1.1\r\n")
            while True:
                await connection.send(b"X: y\r\n")
                await asyncio.sleep(0.02)

        dribbling = asyncio.create_task(dribble())
        assert await connection.rest() == b""
        dribbling.cancel()
        await asyncio.wait([dribbling])


async def test_the_time_for_a_head_begins_anew_with_each_request(tmp_path):
    config = limited(configuration("inmemory", tmp_path), headertimeout=Duration(0.3))
    async with running(config) as wire, wire.connect() as connection:
        await connection.send(head("GET", "/v2/"))
        assert (await connection.answer()).status == 200
        await connection.send(b"GET /v2/ HT")
        assert await connection.rest() == b""


async def test_a_body_that_stalls_is_408_and_what_came_is_kept(config):
    config = limited(config, idletimeout=Duration(0.3))
    async with running(config) as wire:
        location = await begin(wire, "a")
        async with wire.connect() as connection:
            await connection.send(head("PATCH", location, ("Content-Length", "10")), b"abc")
            answer = await connection.answer()
            assert (answer.status, answer.headers["Connection"]) == (408, "close")
        status = await wire("GET", location)
        assert (status.status, status.headers["Range"]) == (204, "0-2")


async def test_a_body_that_drips_is_not_waited_for(tmp_path):
    config = limited(configuration("inmemory", tmp_path), idletimeout=Duration(0.3))
    async with running(config) as wire, wire.connect() as connection:
        location = await begin(wire, "a")
        await connection.send(head("PATCH", location, ("Content-Length", "1000000")))

        async def drip():
            while True:
                await connection.send(b"x")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await connection.answer()).status == 408
        dripping.cancel()
        await asyncio.wait([dripping])


async def test_a_client_that_does_not_read_is_cut_off(config, caplog):
    config = limited(config, idletimeout=Duration(0.3))
    content = bytes(64 << 20)
    records = Records()
    async with running(config, records=records) as wire:
        digest = await push_blob(wire, "a", content)
        async with wire.connect() as connection:
            connection.writer.transport.pause_reading()
            records.came.clear()
            await connection.send(head("GET", f"/v2/a/blobs/{digest}"))
            record = await records.last()
            assert (record.method, record.status) == ("GET", 499)
            assert 0 < record.sent < len(content)
            connection.writer.transport.resume_reading()
            assert len(await connection.rest()) < len(content)
    assert not [entry for entry in caplog.records if entry.levelno >= logging.ERROR]


@pytest.mark.parametrize("target", ["/v2/a/manifests/large", "/v2/"])
async def test_a_client_that_reads_no_document_is_cut_off_too(tmp_path, target):
    config = limited(configuration("inmemory", tmp_path), idletimeout=Duration(0.3))
    records = Records()
    async with running(config, records=records) as wire:
        await push_blob(wire, "a", b"{}")
        await push_manifest(wire, "a", "large", image(annotations={"a": "x" * 4_000_000}))
        async with wire.connect() as connection:
            connection.writer.transport.pause_reading()
            records.clear()
            asking = asyncio.create_task(connection.send(*[head("GET", target) * 1000] * 1000))
            while not records or records[-1].status != 499:
                records.came.clear()
                record = await records.last()
            assert (record.status, record.sent) == (499, 0)
            connection.writer.transport.resume_reading()
            await connection.rest()
            asking.cancel()
            await asyncio.wait([asking])


async def test_a_client_that_reads_slowly_is_waited_for(config):
    config = limited(config, idletimeout=Duration(0.5))
    content = bytes(48 << 20)
    records = Records()
    async with running(config, records=records) as wire:
        digest = await push_blob(wire, "a", content)
        async with wire.connect() as connection:
            records.came.clear()
            await connection.send(head("GET", f"/v2/a/blobs/{digest}"))
            await connection.head()
            for _ in range(12):  # twelve times 4 MiB, which takes more than twice the limit all in all
                await connection.exactly(4 << 20)
                await asyncio.sleep(0.1)
        record = await records.last()
        assert (record.status, record.sent) == (200, len(content))


async def test_a_client_that_leaves_during_a_download_is_no_error(config, caplog):
    records = Records()
    async with running(config, records=records) as wire:
        digest = await push_blob(wire, "a", bytes(64 << 20))
        records.came.clear()
        async with wire.connect() as connection:
            await connection.send(head("GET", f"/v2/a/blobs/{digest}"))
            await connection.exactly(100_000)
            connection.writer.transport.abort()
        record = await records.last()
        assert record.status == 499
        assert 100_000 <= record.sent < 64 << 20
        assert (await wire("GET", "/v2/")).status == 200
    assert not [entry for entry in caplog.records if entry.levelno >= logging.ERROR]


async def test_requests_behind_a_large_download_are_answered_in_order(config):
    content = bytes(range(256)) * 40_000
    async with running(config) as wire:
        digest = await push_blob(wire, "a", content)
        async with wire.connect() as connection:
            await connection.send(head("GET", f"/v2/a/blobs/{digest}") + head("GET", "/v2/") + head("GET", "/x"))
            assert (await connection.answer()).body == content
            assert (await connection.answer()).body == b"{}"
            assert (await connection.answer()).status == 404


async def test_uploads_beyond_the_limits_wait_and_none_is_refused(config):
    config = limited(config, bodymemory=Size(1 << 20), uploads=2)
    async with running(config) as wire:
        bodies = [bytes([n]) * 3_000_000 for n in range(24)]
        digests = await asyncio.gather(*(push_blob(wire, "a", body) for body in bodies))
        assert list(digests) == [sha256(body) for body in bodies]


async def test_an_answer_before_the_end_of_the_body_can_be_read(wire):
    async with wire.connect() as connection:
        await connection.send(head("PATCH", "/v2/a/blobs/uploads/none", ("Content-Length", str(8 << 20))))
        sending = asyncio.create_task(connection.send(*[bytes(1 << 20)] * 8))
        assert (await connection.answer()).status == 404
        await sending
        await connection.send(head("GET", "/v2/"))  # the rest was skipped, so the connection goes on
        assert (await connection.answer()).body == b"{}"


@pytest.mark.parametrize("length", [5, 16 << 20])
async def test_a_client_that_did_not_wait_for_100_continue_can_read_the_answer(wire, length):
    async with wire.connect() as connection:
        expects = (("Expect", "100-continue"), ("Content-Length", str(length)))
        await connection.send(head("PATCH", "/v2/a/blobs/uploads/none", *expects), bytes(length))
        answer = await connection.answer()
        assert (answer.status, answer.headers["Connection"]) == (404, "close")
        assert await connection.rest() == b""


async def test_after_the_last_answer_the_connection_ends_though_the_body_never_comes(tmp_path):
    config = limited(configuration("inmemory", tmp_path), idletimeout=Duration(0.2))
    async with running(config) as wire, wire.connect() as connection:
        await connection.send(head("PUT", "/v2/a/manifests/v1", ("Content-Length", "9")), b"{")
        assert (await connection.answer()).status == 408
        async with asyncio.timeout(5):  # less than it lingers for the rest of the body
            assert await connection.rest() == b""


async def test_a_download_that_outlives_the_drain_is_not_logged_as_whole(config):
    content = bytes(64 << 20)
    records = Records()
    config = changed(config, http=changed(config.http, draintimeout=Duration(0.1)))
    async with AsyncExitStack() as server:
        wire = await server.enter_async_context(running(config, records=records))
        digest = await push_blob(wire, "a", content)
        async with wire.connect() as connection:
            records.came.clear()
            await connection.send(head("GET", f"/v2/a/blobs/{digest}"))
            await connection.exactly(100_000)
            connection.writer.transport.pause_reading()
            await asyncio.wait_for(server.aclose(), PATIENCE)
        record = await records.last()
        assert record.status == 499
        assert 100_000 <= record.sent < len(content)


async def test_while_stopping_a_running_upload_ends_and_idle_connections_close(config):
    content = b"x" * 1_000_000
    stop = Stop()
    async with AsyncExitStack() as server:
        wire = await server.enter_async_context(running(config, stop=stop))
        digest = sha256(content)
        async with wire.connect() as busy, wire.connect() as idle:
            await idle.send(head("GET", "/v2/"))
            await idle.answer()
            await busy.send(
                head(
                    "POST",
                    f"/v2/a/blobs/uploads/?digest={digest}",
                    ("Expect", "100-continue"),
                    ("Content-Length", "1000000"),
                )
            )
            assert (await busy.head())[0] == 100
            await busy.send(content[:500_000])
            stop.request()
            leaving = asyncio.create_task(server.aclose())
            assert await idle.rest() == b""
            with pytest.raises(ConnectionRefusedError):
                await wire("GET", "/v2/")
            await busy.send(content[500_000:])
            answer = await busy.answer()
            assert (answer.status, answer.headers["Connection"]) == (201, "close")
            assert await busy.rest() == b""
            await asyncio.wait_for(leaving, PATIENCE)


@pytest.mark.parametrize("by", ["second signal", "time"])
async def test_stopping_does_not_wait_for_ever(tmp_path, by):
    stop = Stop()
    config = configuration("filesystem", tmp_path, draintimeout=Duration(0.2 if by == "time" else 600))
    async with AsyncExitStack() as server:
        wire = await server.enter_async_context(running(config, stop=stop))
        location = await begin(wire, "a")
        async with wire.connect() as stuck:
            await stuck.send(head("PATCH", location, ("Expect", "100-continue"), ("Content-Length", "10")))
            assert (await stuck.head())[0] == 100
            stop.request()
            leaving = asyncio.create_task(server.aclose())
            if by == "second signal":
                stop.request()
            await asyncio.wait_for(leaving, PATIENCE)
            assert await stuck.rest() == b""
    async with running(config) as wire:
        assert (await wire("GET", location)).status == 204


async def test_a_unix_socket_is_served_too(tmp_path):
    path = tmp_path / "registry.sock"
    config = configuration("inmemory", tmp_path)
    config = changed(config, http=type(config.http)(addr=str(path), net="unix"))
    records = []
    async with registry(config) as services, listening(config, services, records.append, Stop()) as address:
        assert address == str(path)
        connection = Connection(*await asyncio.open_unix_connection(str(path)))
        await connection.send(head("GET", "/v2/"))
        assert (await connection.answer()).body == b"{}"
        connection.writer.close()
    assert records[0].remote == ""


async def test_an_address_that_is_in_use_is_an_error_at_once(wire, tmp_path):
    config = configuration("inmemory", tmp_path)
    config = changed(config, http=type(config.http)(addr=f"127.0.0.1:{wire.port}"))
    async with AsyncExitStack() as server:
        with pytest.raises(OSError, match="in use"):
            await server.enter_async_context(running(config))
