"""`moorage uploads purge` on a bucket: what nobody goes on with goes, by the store's clock, and what is young stays."""

import asyncio
import json
import os
import sys
from datetime import timedelta

import pytest
import yaml

from drivers.s3.connection import connect
from drivers.s3.multipart import Multipart
from drivers.s3.opening import make_client
from tests.support.aging import age_files
from tests.support.buckets import read_the_sdks_files_once, section, tree
from tests.support.programs import ROOT
from tests.support.pushes import begin, push_image
from tests.support.running import configuration, running
from tests.support.s3stores import versitygw

MIB = 1 << 20
NOBODY_NAMES = "/docker/registry/v2/blobs/sha256/ab/abcd/data"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
async def store(folder):
    """A store of its own, whose files can be made older."""
    with versitygw(folder) as store:
        await store.create_bucket()
        yield store


@pytest.fixture
async def wire(store, tmp_path, monkeypatch):
    read_the_sdks_files_once(monkeypatch)
    async with running(configuration("s3", tmp_path, bucket=section(store))) as server:
        yield server


@pytest.fixture
async def client(store):
    settings = store.settings()
    async with connect(settings) as connection:
        yield make_client(connection, settings)


@pytest.fixture
def purge(store, tmp_path):
    """Runs the command in a process of its own; returns what it printed."""
    config = tmp_path / "config.yml"
    config.write_text(yaml.safe_dump({"version": "0.1", "storage": tree(store)}))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}

    async def run(*arguments):
        command = [sys.executable, "-m", "app", "uploads", "purge", str(config), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=clean, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complaints = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, complaints) == (0, b"")
        return said.decode()

    return run


async def upload(wire, size):
    """A session with a piece: more than stays in the record."""
    location = await begin(wire, "team/app")
    answer = await wire("PATCH", location, body=bytes(size))
    assert answer.status == 202, answer
    return answer.location


async def keys(client):
    return [file.path for file in (await client.page("/", deep=True)).files]


async def test_stale_sessions_and_uploads_that_no_record_names_go_and_young_ones_stay(
    wire, store, client, purge, folder
):
    await push_image(wire, "team/app", "latest", b"layer")
    published = await keys(client)
    stale = await upload(wire, 17 * MIB)
    nobodys = await Multipart.create(client, NOBODY_NAMES)
    await nobodys.send(1, b"content")
    age_files(folder, timedelta(days=8), folders=True)
    young = await upload(wire, 18 * MIB)
    begun = await Multipart.create(client, f"{NOBODY_NAMES}-young")
    await begun.send(1, b"content")
    before, parts = await keys(client), await store.uploads()
    assert len(parts) == 2

    told = await purge("--dry-run", "--json")
    assert (await keys(client), await store.uploads()) == (before, parts)
    done = await purge("--json")
    assert json.loads(done) == {**json.loads(told), "dry_run": False}
    assert (json.loads(done)["sessions"], json.loads(done)["multipart"]) == (1, 1)
    assert json.loads(done)["bytes"] > 17 * MIB

    assert await store.uploads() == [f"{NOBODY_NAMES[1:]}-young"]
    assert (await wire("GET", stale)).status == 404
    assert (await wire("PATCH", stale, body=b"more")).status == 404
    assert (await wire("GET", young)).status == 204
    assert set(published) < set(await keys(client))
    assert not [key for key in await keys(client) if key.endswith("/clock")]
    assert (await purge()) == "removed 0 sessions: 0 files, 0 bytes\n"


async def test_an_upload_lasts_an_hour_longer_than_its_age_for_requests_that_still_run(wire, store, purge, folder):
    location = await upload(wire, 17 * MIB)
    age_files(folder, timedelta(hours=12), folders=True)
    assert (await purge("--age", "12h")).startswith("removed 0 sessions")
    age_files(folder, timedelta(hours=1, minutes=1), folders=True)
    assert (await purge("--age", "12h")).startswith("removed 1 session:")
    assert (await wire("GET", location)).status == 404
    assert await store.uploads() == []
