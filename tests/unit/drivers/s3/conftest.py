"""One server and one connection for all tests here, so they share a loop, and a root of its own for each of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import pytest_asyncio

from drivers.s3.connection import connect
from drivers.s3.opening import make_client, make_driver
from drivers.s3.probe import probe
from tests.support import s3stores
from tests.support.s3proxy import proxied

_numbers = itertools.count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moto():
    with s3stores.moto() as store:
        await store.create_bucket()
        yield store


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def versitygw(tmp_path_factory):
    with s3stores.versitygw(tmp_path_factory.mktemp("versitygw")) as store:
        await store.create_bucket()
        yield store


@pytest.fixture(scope="session", params=["moto", "versitygw"])
def store(request):
    return request.getfixturevalue(request.param)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def connection(store):
    async with connect(store.settings()) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def conditions(connection, store):
    return await probe(make_client(connection, store.settings()), "/probe")


@pytest.fixture
def settings(store):
    return store.settings(rootdirectory=f"/test-{next(_numbers)}")


@pytest.fixture
def client(connection, settings):
    return make_client(connection, settings)


@pytest.fixture
def driver(connection, client, settings, conditions):
    return make_driver(connection, client, settings, conditions)


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(store):
    async with proxied(store) as proxy:
        yield proxy


@pytest_asyncio.fixture(loop_scope="session")
async def behind(proxy, settings, conditions):
    """A driver that speaks to the store through the proxy, and has the patience for a busy machine."""
    patient = replace(settings, regionendpoint=proxy.store.endpoint, requesttimeout=60.0, transfertimeout=60.0)
    async with connect(patient) as connection:
        yield make_driver(connection, make_client(connection, patient), patient, conditions)


@pytest.fixture
def uploads(store, settings):
    """Lists uploads in parts that nobody has finished."""
    return lambda: store.uploads(settings.rootdirectory)
