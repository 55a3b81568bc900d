from contextlib import AsyncExitStack

import pytest

from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, push_blobs, start
from tests.support.uploading import Site, Sort
from tests.support.watched import WatchedDriver


@pytest.fixture(params=["memory", "filesystem"])
async def driver(request, tmp_path):
    """Each driver with compare-and-swap, watched."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield WatchedDriver(MemoryDriver())
        else:
            yield WatchedDriver(await stack.enter_async_context(FilesystemDriver(tmp_path, fsync=False)))


@pytest.fixture
async def repository(driver):
    """A repository with the two blobs that `CONTENT` needs, in a process of its own."""
    repository = (await start(driver)).repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    return repository


@pytest.fixture(params=Sort, ids=lambda sort: sort.name.lower())
async def site(request, tmp_path):
    """Each sort of store that uploads know."""
    if request.param is Sort.DISK:
        async with FilesystemDriver(tmp_path, fsync=False) as driver:
            yield Site(request.param, driver)
    else:
        yield Site(request.param, MemoryDriver())
