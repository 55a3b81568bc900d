from __future__ import annotations

import pytest

from drivers.memory import MemoryDriver
from tests.contracts.driver_contract import CompareAndSwapContract, ComposeContract, DriverContract


class TestMemoryDriver(DriverContract, CompareAndSwapContract, ComposeContract):
    @pytest.fixture
    def driver(self):
        return MemoryDriver()
