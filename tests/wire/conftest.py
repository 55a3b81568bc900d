import asyncio
import itertools

import pytest

from app.config.model import Redirect
from tests.support.buckets import read_the_sdks_files_once, section
from tests.support.programs import needed
from tests.support.running import changed, configuration, running
from tests.support.s3stores import versitygw

_numbers = itertools.count()


@pytest.fixture(scope="session")
def _store(tmp_path_factory):
    needed("versitygw")  # `make e2e` has made sure of it
    with versitygw(tmp_path_factory.mktemp("buckets")) as store:
        asyncio.run(store.create_bucket())
        yield store


@pytest.fixture(params=["inmemory", "filesystem", pytest.param("s3", marks=pytest.mark.e2e)])
def driver(request):
    return request.param


@pytest.fixture
def config(driver, tmp_path, request, monkeypatch):
    bucket = None
    if driver == "s3":
        read_the_sdks_files_once(monkeypatch)
        store = request.getfixturevalue("_store")
        bucket = section(store, rootdirectory=f"test-{next(_numbers)}")
    config = configuration(driver, tmp_path, bucket=bucket)
    # Here all bytes come through the registry; what is sent elsewhere has its own tests.
    return changed(config, storage=changed(config.storage, redirect=Redirect(disable=True)))


@pytest.fixture
async def wire(config):
    async with running(config) as server:
        yield server
