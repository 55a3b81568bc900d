from __future__ import annotations

import asyncio
import itertools

import pytest

from drivers.s3 import open_driver
from tests.support import s3stores

_numbers = itertools.count()


@pytest.fixture(scope="session")
def moto():
    with s3stores.moto() as store:
        asyncio.run(store.create_bucket())
        yield store


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory):
    try:
        with s3stores.versitygw(tmp_path_factory.mktemp("versitygw")) as store:
            asyncio.run(store.create_bucket())
            yield store
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session", params=["moto", "versitygw"])
def store(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def settings(store):
    """A root of its own in the bucket, so that every test has an empty store."""
    return store.settings(rootdirectory=f"/test-{next(_numbers)}")


@pytest.fixture
async def driver(settings):
    async with open_driver(settings) as driver:
        yield driver
