"""What every driver has to do. A driver proves itself by subclassing, in ten lines:

    class TestMine(DriverContract, CompareAndSwapContract):
        @pytest.fixture
        async def driver(self, tmp_path):
            async with MyDriver(tmp_path) as driver:
                yield driver

The classes beside `DriverContract` are for the optional powers; one that is left out, or is there without the power,
fails. `twin` is a second driver on the same store, if there can be one: what another process would hold.
"""

from __future__ import annotations

import os

import pytest

from drivers.contract import Part, SupportsCompareAndSwap, SupportsCompose, SupportsExtend, SupportsSendfile
from drivers.errors import PathNotFound
from tests.contracts.extend_contract import ExtendContract
from tests.contracts.file_contract import FileContract
from tests.contracts.folder_contract import FolderContract
from tests.contracts.samples import KIB, MIB, read, write
from tests.contracts.stream_contract import LargeFileContract, StreamContract
from tests.contracts.swap_contract import CompareAndSwapContract

__all__ = [
    "CompareAndSwapContract",
    "ComposeContract",
    "DriverContract",
    "ExtendContract",
    "LargeFileContract",
    "SendfileContract",
]


class DriverContract(FileContract, StreamContract, FolderContract):
    @pytest.fixture
    def twin(self, driver):
        return driver

    async def test_it_has_a_name(self, driver):
        assert driver.name

    async def test_the_contract_of_each_power_it_claims_is_run_and_no_other(self, driver):
        for power, contract in POWERS.items():
            assert isinstance(driver, power) == isinstance(self, contract), power.__name__


class ComposeContract:
    async def test_parts_and_tail_become_one_file_and_stay(self, driver):
        contents = {"/p/1": b"first ", "/p/2": os.urandom(100 * KIB), "/p/3": b""}
        parts = [Part(path, len(content), await write(driver, path, content)) for path, content in contents.items()]
        await driver.compose("/target/file", parts, b" tail")
        assert await driver.get("/target/file") == b"".join(contents.values()) + b" tail"
        for path, content in contents.items():
            assert await driver.get(path) == content

    async def test_a_tail_alone_and_nothing_at_all_are_files(self, driver):
        await driver.compose("/tail", [], b"tail")
        await driver.compose("/nothing", [])
        assert await driver.get("/tail") == b"tail"
        assert await driver.get("/nothing") == b""

    async def test_it_replaces_what_was_there(self, driver):
        await driver.put("/target", b"old")
        part = Part("/p", 3, await write(driver, "/p", b"new"))
        await driver.compose("/target", [part])
        assert await driver.get("/target") == b"new"

    async def test_a_part_that_is_gone_or_another_leaves_the_target_alone(self, driver):
        await driver.put("/target", b"old")
        one = Part("/p/1", 5, await write(driver, "/p/1", b"first"))
        two = Part("/p/2", 6, await write(driver, "/p/2", b"second"))
        await driver.put("/p/2", b"SECOND")
        with pytest.raises(PathNotFound):
            await driver.compose("/target", [one, two])
        await driver.delete("/p/2")
        with pytest.raises(PathNotFound):
            await driver.compose("/target", [one, two])
        assert await driver.get("/target") == b"old"

    @pytest.mark.parametrize(("size", "pieces"), [(10 * MIB, 3), (32, 100)], ids=["10 MiB", "32 B"])
    async def test_an_upload_goes_on_in_pieces(self, driver, size, pieces):
        content = os.urandom(size * pieces)
        parts = []
        for number in range(pieces):
            path = f"/upload/{number}"
            version = await write(driver, path, content[number * size : (number + 1) * size])
            parts.append(Part(path, (await driver.stat(path)).size, version))
        await driver.compose("/blob", parts, b"end")
        assert await read(driver, "/blob") == content + b"end"


class SendfileContract:
    async def test_the_descriptor_reads_the_file(self, driver):
        content = os.urandom(200 * KIB)
        await driver.put("/folder/file", content)
        async with driver.open_file("/folder/file") as descriptor:
            assert os.fstat(descriptor).st_size == len(content)
            assert os.pread(descriptor, len(content) + 1, 0) == content
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(descriptor, b"x")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)

    async def test_it_stays_good_though_the_file_is_replaced(self, driver):
        await driver.put("/file", b"old")
        async with driver.open_file("/file") as descriptor:
            await driver.put("/file", b"new content")
            await driver.delete("/file")
            assert os.pread(descriptor, 100, 0) == b"old"

    async def test_what_is_no_file_is_not_found(self, driver):
        await driver.put("/folder/file", b"x")
        for path in ("/absent", "/folder", "/folder/file/below"):
            with pytest.raises(PathNotFound):
                async with driver.open_file(path):
                    pass


POWERS = {
    SupportsCompareAndSwap: CompareAndSwapContract,
    SupportsCompose: ComposeContract,
    SupportsExtend: ExtendContract,
    SupportsSendfile: SendfileContract,
}
