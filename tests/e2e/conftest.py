"""One server for all tests with real clients; each test has a repository of its own."""

from __future__ import annotations

import itertools

import pytest

from tests.support.plainhttp import client
from tests.support.programs import moorage

_numbers = itertools.count()


@pytest.fixture(scope="session")
def _server(tmp_path_factory):
    with moorage(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture
def server(_server):
    """The server; after the test its log must hold no error and no answer 429 or 5xx."""
    before = len(_server.failures())
    yield _server
    assert _server.failures()[before:] == []


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
