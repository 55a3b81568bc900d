"""Two servers for all tests with real clients, on a disk and on a bucket; each test has a repository of its own."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.support.buckets import tree
from tests.support.plainhttp import client
from tests.support.programs import moorage
from tests.support.s3stores import versitygw

_numbers = itertools.count()


@pytest.fixture(scope="session", params=["disk", "bucket"])
def _server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "disk":
        with moorage(folder) as server:
            yield server
        return
    with versitygw(folder / "store") as store:
        asyncio.run(store.create_bucket())
        # The bytes of every blob come from the bucket, however small it is.
        with moorage(folder, {"storage": tree(store), "moorage": {"redirect": {"threshold": 0}}}) as server:
            yield server


@pytest.fixture
def server(_server, request):
    """The server; after the test its log must hold no error, no answer 429 or 5xx, and of a bucket no blob."""
    before = len(_server.lines)
    yield _server
    lines = _server.lines[before:]
    assert _server.failures(lines) == []
    if request.node.callspec.params["_server"] == "bucket":
        assert [line for line in lines if is_blob(line)] == []


def is_blob(line):
    """The line tells of a blob whose bytes came from the registry itself."""
    sent = (line.get("http.request.method"), line.get("http.response.status")) in {("GET", 200), ("GET", 206)}
    return sent and "/blobs/" in line["http.request.uri"]


@pytest.fixture
def plain(server):
    with client(server.address) as connection:
        yield connection


@pytest.fixture
def repository(request):
    name = request.node.originalname.removeprefix("test_")[:40].strip("_").replace("_", "-")
    return f"e2e/{name}/{next(_numbers)}"


@pytest.fixture
def reference(server, repository):
    """What clients call the repository."""
    return f"{server.address}/{repository}"
