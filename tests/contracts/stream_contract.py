"""Readers and writers: a part of `DriverContract`."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from drivers.errors import InvalidOffset, PathNotFound
from tests.contracts.samples import MIB, SIZES, names, paths, read, write


class StreamContract:
    @pytest.mark.parametrize("size", SIZES)
    async def test_a_stream_of_odd_chunks_comes_back_whole(self, driver, size):
        content = os.urandom(size)
        step = size // 3 + 1
        await write(driver, "/folder/file", *(content[at : at + step] for at in range(0, size, step)))
        assert await read(driver, "/folder/file") == content
        assert (await driver.stat("/folder/file")).size == size

    async def test_a_writer_without_a_byte_makes_an_empty_file(self, driver):
        await write(driver, "/empty")
        assert await driver.get("/empty") == b""
        assert await read(driver, "/empty") == b""

    async def test_a_writer_counts_what_it_was_given(self, driver):
        async with driver.writer("/file") as writer:
            assert writer.size == 0
            await writer.write(b"12345")
            await writer.write(b"")
            await writer.write(b"678")
            assert writer.size == 8
            await writer.commit()

    async def test_a_writer_replaces_what_was_there_only_at_its_commit(self, driver):
        await driver.put("/file", b"old")
        async with driver.writer("/file") as writer:
            await writer.write(b"new content")
            assert await driver.get("/file") == b"old"
            await writer.commit()
            assert await driver.get("/file") == b"new content"

    async def test_a_writer_that_is_not_committed_leaves_no_trace(self, driver):
        async with driver.writer("/folder/file") as writer:
            await writer.write(b"x" * MIB)
            assert await paths(driver, "/") == []
        assert await names(driver, "/") == []
        for path in ("/folder/file", "/folder"):
            with pytest.raises(PathNotFound):
                await driver.stat(path)

    async def test_a_writer_whose_block_fails_leaves_no_trace(self, driver):
        async def fails():
            async with driver.writer("/folder/file") as writer:
                await writer.write(b"x")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fails()
        assert await names(driver, "/") == []

    async def test_a_writer_that_is_cancelled_leaves_no_trace(self, driver):
        written = asyncio.Event()

        async def never_commits():
            async with driver.writer("/folder/file") as writer:
                await writer.write(b"x")
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_commits())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(driver, "/") == []

    async def test_a_put_that_is_cancelled_has_happened_whole_or_not_at_all(self, driver):
        new = b"n" * MIB
        for turns in range(12):
            await driver.put("/file", b"old")
            task = asyncio.create_task(driver.put("/file", new))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = await driver.get("/file")
            assert found in {b"old", new}
            # And it is over: nothing happens behind the caller's back.
            await driver.put("/file", b"later")
            assert await driver.get("/file") == b"later"

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(0, None), (0, 0), (0, 1), (5, None), (5, 3), (MIB - 1, 2), (0, 2 * MIB + 5), (2 * MIB, None), (7, 2 * MIB)],
    )
    async def test_a_range_is_streamed(self, driver, offset, length):
        content = os.urandom(2 * MIB + 5)
        await driver.put("/file", content)
        end = None if length is None else offset + length
        assert await read(driver, "/file", offset=offset, length=length) == content[offset:end]

    @pytest.mark.parametrize("offset", [5, 6, 1000])
    async def test_an_offset_at_or_beyond_the_end_yields_nothing(self, driver, offset):
        await driver.put("/file", b"12345")
        assert await read(driver, "/file", offset=offset) == b""
        assert await read(driver, "/file", offset=offset, length=7) == b""

    async def test_a_length_beyond_the_end_stops_at_the_end(self, driver):
        await driver.put("/file", b"12345")
        assert await read(driver, "/file", offset=3, length=100) == b"45"

    async def test_a_negative_offset_is_refused(self, driver):
        await driver.put("/file", b"12345")
        with pytest.raises(InvalidOffset):
            await read(driver, "/file", offset=-1)

    async def test_a_reader_that_is_left_early_holds_up_nothing(self, driver):
        await driver.put("/file", os.urandom(3 * MIB))
        async with driver.reader("/file") as chunks:
            assert await anext(chunks)
        await driver.delete("/file")
        assert await names(driver, "/") == []

    async def test_an_open_reader_sees_its_file_whole_though_it_is_replaced_and_deleted(self, driver):
        old = os.urandom(5 * MIB)
        await driver.put("/file", old)
        async with driver.reader("/file") as chunks:
            parts = [await anext(chunks)]
            await driver.put("/file", b"new")
            parts.append(await anext(chunks))
            await driver.delete("/file")
            parts += [chunk async for chunk in chunks]
        assert b"".join(parts) == old

    async def test_ten_readers_at_once_read_the_same(self, driver):
        content = os.urandom(8 * MIB)
        await driver.put("/file", content)
        assert set(await asyncio.gather(*(read(driver, "/file") for _ in range(10)))) == {content}

    async def test_thirty_two_writers_at_once_write_their_own(self, driver):
        contents = {f"/folder{n % 3}/file{n}": os.urandom(MIB + n) for n in range(32)}
        await asyncio.gather(*(write(driver, path, content) for path, content in contents.items()))
        for path, content in contents.items():
            assert await driver.get(path) == content


class LargeFileContract:
    """For stores that are larger than memory."""

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_five_gibibytes_are_streamed_in_and_out(self, driver):
        chunk = os.urandom(MIB)
        hashed = hashlib.sha256()
        async with driver.writer("/large") as writer:
            for _ in range(5 * 1024):
                hashed.update(chunk)
                await writer.write(chunk)
            await writer.commit()
        assert (await driver.stat("/large")).size == 5 * 1024 * MIB
        found = hashlib.sha256()
        async with driver.reader("/large") as chunks:
            async for piece in chunks:
                found.update(piece)
        assert found.digest() == hashed.digest()

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_ten_readers_at_once_of_128_mebibytes(self, driver):
        content = os.urandom(128 * MIB)
        await write(driver, "/file", content)

        async def digest():
            hashed = hashlib.sha256()
            async with driver.reader("/file") as chunks:
                async for chunk in chunks:
                    hashed.update(chunk)
            return hashed.digest()

        assert set(await asyncio.gather(*(digest() for _ in range(10)))) == {hashlib.sha256(content).digest()}

    @pytest.mark.long
    @pytest.mark.timeout(900)
    async def test_thirty_two_writers_at_once_of_32_mebibytes(self, driver):
        chunks = [os.urandom(MIB) for _ in range(32)]
        await asyncio.gather(*(write(driver, f"/file{n}", *(chunks[n:] + chunks[:n])) for n in range(32)))
        for n in range(32):
            assert await driver.get(f"/file{n}") == b"".join(chunks[n:] + chunks[:n])
