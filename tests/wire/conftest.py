import pytest

from tests.support.running import configuration, running


@pytest.fixture(params=["inmemory", "filesystem"])
def driver(request):
    return request.param


@pytest.fixture
def config(driver, tmp_path):
    return configuration(driver, tmp_path)


@pytest.fixture
async def wire(config):
    async with running(config) as server:
        yield server
