from __future__ import annotations

import pytest

from drivers.filesystem import FilesystemDriver
from tests.contracts.driver_contract import (
    CompareAndSwapContract,
    DriverContract,
    ExtendContract,
    LargeFileContract,
    SendfileContract,
)

NFS = "36 35 98:0 / / rw,noatime - nfs4 server:/export rw\n"


class TestFilesystemDriver(DriverContract, CompareAndSwapContract, ExtendContract, SendfileContract, LargeFileContract):
    @pytest.fixture
    async def driver(self, tmp_path):
        async with FilesystemDriver(tmp_path) as driver:
            yield driver

    @pytest.fixture
    async def twin(self, tmp_path):
        async with FilesystemDriver(tmp_path) as twin:
            yield twin


class TestFilesystemDriverWhereEveryCallGoesToAThread(
    DriverContract, CompareAndSwapContract, ExtendContract, SendfileContract
):
    @pytest.fixture
    async def driver(self, tmp_path):
        async with FilesystemDriver(tmp_path, mounted=NFS, fsync=False) as driver:
            yield driver

    @pytest.fixture
    async def twin(self, tmp_path):
        async with FilesystemDriver(tmp_path, mounted=NFS, fsync=False) as twin:
            yield twin
