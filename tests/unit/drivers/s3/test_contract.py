from __future__ import annotations

import pytest

from drivers.s3 import open_driver
from tests.contracts.driver_contract import (
    CompareAndSwapContract,
    ComposeContract,
    DriverContract,
    LargeFileContract,
)


class TestS3Driver(DriverContract, CompareAndSwapContract, ComposeContract, LargeFileContract):
    @pytest.fixture
    async def twin(self, settings):
        async with open_driver(settings) as twin:
            yield twin
