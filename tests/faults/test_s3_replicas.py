"""Several processes on one bucket: an upload goes on wherever its next request lands, and of two writers one wins."""

import asyncio
import random
from collections import Counter

import pytest

from tests.support.campaign import misnamed
from tests.support.campaign_remains import leftovers, purge
from tests.support.pushes import begin, sha256
from tests.support.replicas import Upload, at_once, replicas, wire
from tests.support.s3proxy import proxied
from tests.support.s3stores import BUCKET, versitygw
from tests.support.wire import head

MIB = 1 << 20
RECORD = "moorage/v1/state/uploads/"
MOST = 5 * MIB + 4096  # bytes of a record: a tail is less than a part, and what else is in it is little
SIZES = (3 * MIB, 6 * MIB, 100_000, 12 * MIB, 2 * MIB, 4 * MIB, 25 * MIB, 10, 7 * MIB)


@pytest.fixture
async def store(tmp_path):
    with versitygw(tmp_path / "store") as store:
        await store.create_bucket()
        yield store


def require_no_more_than_a_record(proxy):
    """What a request has read of the bucket since the last time is a record at most, and nothing of a piece."""
    read = [passed for passed in proxy.passed() if passed.verb == "GetObject"]
    assert [passed.key for passed in read if not passed.key.startswith(RECORD)] == []
    assert len(read) <= 1
    assert all(passed.size <= MOST for passed in read)
    return len(read)


def chunk(location, start, content):
    return ("PATCH", location, ("Content-Range", f"{start}-{start + len(content) - 1}"))


async def test_an_upload_alternates_over_three_processes_one_is_killed_and_nothing_is_read_again(store, tmp_path):
    draw = random.Random(9)
    chunks = [draw.randbytes(size) for size in SIZES * 2]
    async with proxied(store) as proxy, replicas(tmp_path, proxy.store, 3) as servers:
        alive = [wire(server) for server in servers]
        location, sent, records = await begin(alive[0], "team/app"), 0, 0
        proxy.passed()
        for number, content in enumerate(chunks):
            if number == len(chunks) // 2:
                request = head(*chunk(location, sent, content), ("Content-Length", str(len(content))))
                async with alive[1].connect() as connection:
                    await connection.send(request, content[: len(content) // 2])
                    await asyncio.to_thread(servers[1].kill)
                    assert await connection.rest() == b""
                del alive[1]
                status = await alive[0]("GET", location)
                assert (status.status, status.headers["Range"]) == (204, f"0-{sent - 1}")
                location = status.location
                proxy.passed()
            answer = await alive[number % len(alive)](*chunk(location, sent, content), body=content)
            assert answer.status == 202, answer
            records += require_no_more_than_a_record(proxy)
            location, sent = answer.location, sent + len(content)
        assert records >= len(chunks) // 2  # or nobody has looked
        whole = b"".join(chunks)
        target = f"{location}&digest={sha256(whole)}"
        assert (await alive[len(chunks) % len(alive)]("PUT", target, body=b"")).status == 201
        require_no_more_than_a_record(proxy)
        assert (await alive[1]("GET", f"/v2/team/app/blobs/{sha256(whole)}")).body == whole


async def race(number, here, there):
    """Let two processes go on with one session at once, and then with what came of it; return how it ended."""
    draw = random.Random(number)
    location, content = await begin(here, "team/app"), b""
    if number % 3:  # there is a tail already, or a piece
        content = draw.randbytes(6 * MIB if number % 24 == 1 else 5000)
        location = (await there("PATCH", location, body=content)).location
    size = draw.choice((100, 70_000)) if number % 20 else 17 * MIB
    same = draw.random() < 0.15
    bodies = [draw.randbytes(size)]
    bodies.append(bodies[0] if same else draw.randbytes(draw.choice((size, size + 7))))
    answers = await at_once(
        *(Upload(who, "PATCH", location, body) for who, body in zip((here, there), bodies, strict=True))
    )
    statuses = [answer.status for answer in answers]
    assert sorted(statuses) == ([202, 202] if same else [202, 416]), answers
    content += bodies[statuses.index(202)]
    for answer in answers:
        assert answer.headers["Range"] == f"0-{len(content) - 1}"
    # Who lost goes on from what he was told.
    location = answers[statuses.index(416) if not same else 0].location
    last, digest = draw.randbytes(50), sha256(content)
    closing = Upload(there, "PUT", f"{location}&digest={sha256(content + last)}", last)
    appending = Upload(here, "PATCH", location, draw.randbytes(60))
    if number % 2:
        ended = [answer.status for answer in await at_once(closing, appending)]
        assert ended[0] in {201, 416}
        assert ended[1] in {202, 404, 416}
    else:
        others = Upload(here, "PUT", closing.target, last)
        ended = [answer.status for answer in await at_once(closing, others)]
        assert ended == [201, 201]
    if ended[0] == 201:
        digest = sha256(content + last)
        assert (await here("GET", f"/v2/team/app/blobs/{digest}")).body == content + last
    return ("same" if same else "other", *ended)


async def races(store, tmp_path, number):
    async with replicas(tmp_path, store, 2) as servers:
        here, there = map(wire, servers)
        todo = iter(range(number))
        outcomes = Counter()

        async def some():
            for each in todo:
                outcomes[await race(each, here, there)] += 1

        await asyncio.gather(*(some() for _ in range(4)))
        assert [line for server in servers for line in server.failures()] == []
    assert misnamed(tmp_path / "store" / "buckets" / BUCKET) == []
    await purge(store, tmp_path / "store", tmp_path / "purge.yml")
    assert await leftovers(store) == []
    return outcomes


async def test_of_two_processes_racing_on_a_session_one_wins_and_the_other_is_told_where_to_go_on(store, tmp_path):
    await races(store, tmp_path, 50)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_500_races_of_two_processes_on_one_session_leave_no_wrong_blob(store, tmp_path, capsys):
    outcomes = await races(store, tmp_path, 500)
    with capsys.disabled():
        print(f"\n500 races: {dict(outcomes)}")
