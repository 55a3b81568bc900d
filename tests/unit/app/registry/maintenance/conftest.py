import pytest

from drivers.filesystem import FilesystemDriver
from tests.support.aging import Aging
from tests.support.uploading import Site, Sort


@pytest.fixture(params=Sort, ids=lambda sort: sort.name.lower())
async def aging(request, tmp_path):
    """Each sort of store that uploads know, on which time passes when a test says so."""
    if request.param is Sort.DISK:
        async with FilesystemDriver(tmp_path, fsync=False) as driver:
            yield Aging(Site(request.param, driver), root=tmp_path)
    else:
        yield Aging.in_memory(request.param)
