from __future__ import annotations

import pytest

from drivers.s3.opening import make_client, make_driver
from tests.contracts.driver_contract import (
    CompareAndSwapContract,
    ComposeContract,
    DriverContract,
    LargeFileContract,
)


@pytest.mark.asyncio(loop_scope="session")
class TestS3Driver(DriverContract, CompareAndSwapContract, ComposeContract, LargeFileContract):
    @pytest.fixture
    def twin(self, connection, settings, conditions):
        return make_driver(connection, make_client(connection, settings), settings, conditions)
