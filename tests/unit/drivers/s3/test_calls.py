"""How many requests each verb costs, counted on the wire."""

from __future__ import annotations

import asyncio
import os

import pytest

from drivers.contract import Part
from drivers.errors import Conflict, PathNotFound
from tests.contracts.samples import MIB, names, paths, read, write
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def taken(proxy):
    return proxy.taken


class TestOneRequest:
    async def test_small_files(self, behind, taken):
        await behind.put("/f/file", b"content")
        assert taken() == ["PutObject"]
        assert await behind.get("/f/file") == b"content"
        assert taken() == ["GetObject"]
        await behind.stat("/f/file")
        assert taken() == ["HeadObject"]
        assert await read(behind, "/f/file", offset=2, length=3) == b"nte"
        assert taken() == ["GetObject"]
        await behind.delete("/f/file")
        assert taken() == ["DeleteObject"]

    async def test_absence_is_found_out_with_one_request_where_only_a_file_is_asked_for(self, behind, taken):
        for call in (behind.get("/absent"), read(behind, "/absent"), behind.get_version("/absent")):
            with pytest.raises(PathNotFound):
                await call
            assert taken() == ["GetObject"]
        await behind.delete("/absent")
        assert taken() == ["DeleteObject"]

    async def test_only_what_is_no_file_is_looked_for_as_a_folder(self, behind, taken):
        await behind.put("/folder/file", b"")
        taken()
        assert (await behind.stat("/folder")).is_dir
        assert taken() == ["HeadObject", "ListObjects"]
        with pytest.raises(PathNotFound):
            await behind.stat("/absent")
        assert taken() == ["HeadObject", "ListObjects"]

    async def test_compare_and_swap(self, behind, taken):
        version = await behind.create("/file", b"1")
        assert taken() == ["PutObject"]
        with pytest.raises(Conflict):
            await behind.create("/file", b"2")
        assert taken() == ["PutObject"]
        await behind.swap("/file", b"3", version)
        assert taken() == ["PutObject"]
        with pytest.raises(Conflict):
            await behind.swap("/file", b"4", version)
        assert taken() == ["PutObject"]

    async def test_a_page_of_a_list_or_a_walk(self, behind, taken):
        for name in ("b", "a-b", "a", "a.b"):
            await behind.put(f"/folder/{name}/link", b"")
        taken()
        assert await names(behind, "/folder") == ["a", "a-b", "a.b", "b"]
        assert taken() == ["ListObjects"]
        assert len(await paths(behind, "/folder")) == 4
        assert taken() == ["ListObjects"]

    async def test_a_url_costs_none(self, behind, taken):
        assert await behind.redirect_url("/file")
        assert taken() == []


class TestWriting:
    @pytest.mark.parametrize("size", [0, 1, 10 * MIB, 16 * MIB])
    async def test_up_to_one_part_is_one_put(self, behind, taken, size):
        await write(behind, "/file", b"x" * size)
        assert taken() == ["PutObject"]

    async def test_n_parts_are_n_requests_and_two(self, behind, taken):
        await write(behind, "/file", *[os.urandom(MIB)] * 27)
        verbs = taken()
        assert (verbs[0], verbs[-1]) == ("CreateMultipartUpload", "CompleteMultipartUpload")
        assert verbs[1:-1] == ["UploadPart"] * 3

    async def test_several_parts_are_under_way_at_once(self, behind, proxy):
        together = asyncio.Event()
        begun = []

        def plan(verb, number):
            begun.extend([number] * (verb == "UploadPart"))
            if len(begun) == 2:
                together.set()

        proxy.plan = plan
        async with behind.writer("/file", size=20 * MIB + 1) as writer:
            await writer.write(b"x" * (20 * MIB + 1))
            await together.wait()
            await writer.commit()
        assert (await behind.stat("/file")).size == 20 * MIB + 1

    async def test_what_is_dropped_small_costs_none_and_large_is_aborted(self, behind, taken, uploads):
        async with behind.writer("/file") as writer:
            await writer.write(b"x" * MIB)
        assert taken() == []
        async with behind.writer("/file") as writer:
            await writer.write(b"x" * (21 * MIB))
        assert taken()[-1] == "AbortMultipartUpload"
        assert await uploads() == []

    async def test_no_part_is_announced_before_it_is_sent(self, behind, proxy):
        await write(behind, "/file", b"x" * MIB)
        assert "Expect" not in proxy.headers


class TestComposing:
    async def parts(self, driver, taken, *sizes):
        made = []
        for number, size in enumerate(sizes):
            content = os.urandom(size)
            made.append(Part(f"/p/{number}", size, await write(driver, f"/p/{number}", content)))
        taken()
        return made

    async def test_a_tail_alone_is_one_put(self, behind, taken):
        await behind.compose("/target", [], b"tail")
        assert taken() == ["PutObject"]

    async def test_one_part_is_one_copy(self, behind, taken):
        await behind.compose("/target", await self.parts(behind, taken, 6 * MIB))
        assert taken() == ["CopyObject"]

    async def test_one_small_part_is_one_copy(self, behind, taken):
        await behind.compose("/target", await self.parts(behind, taken, 5))
        assert taken() == ["CopyObject"]

    async def test_parts_and_a_tail_are_a_request_each_and_two(self, behind, taken):
        await behind.compose("/target", await self.parts(behind, taken, 5 * MIB, 6 * MIB), b"tail")
        verbs = taken()
        assert (verbs[0], verbs[-1]) == ("CreateMultipartUpload", "CompleteMultipartUpload")
        assert sorted(verbs[1:-1]) == ["UploadPart", "UploadPartCopy", "UploadPartCopy"]

    async def test_above_the_threshold_a_part_is_copied_in_several(self, behind, taken):
        parts = await self.parts(behind, taken, 33 * MIB)
        await behind.compose("/target", parts)
        assert sorted(taken()[1:-1]) == ["UploadPartCopy"] * 2
        assert await read(behind, "/target") == await read(behind, "/p/0")

    async def test_a_part_that_is_gone_aborts_the_copy_and_leaves_the_target_alone(self, behind, taken, uploads):
        await behind.put("/target", b"old")
        parts = await self.parts(behind, taken, 5 * MIB, 5 * MIB)
        await behind.delete("/p/1")
        with pytest.raises(PathNotFound):
            await behind.compose("/target", parts)
        assert await behind.get("/target") == b"old"
        assert await uploads() == []

    async def test_a_move_is_three_requests(self, behind, taken):
        await behind.put("/source", b"content")
        taken()
        await behind.move("/source", "/target")
        assert taken() == ["HeadObject", "CopyObject", "DeleteObject"]


class TestDeletingTrees:
    async def test_a_tree_is_a_listing_and_a_batch(self, behind, taken):
        for number in range(5):
            await behind.put(f"/tree/{number}", b"")
        taken()
        await behind.delete_tree("/tree")
        assert taken() == ["ListObjects", "DeleteObjects"]
        assert await paths(behind, "/") == []

    async def test_where_the_store_knows_no_batches_files_are_deleted_one_by_one(self, behind, taken, proxy):
        for number in range(5):
            await behind.put(f"/tree/{number}", b"")
        taken()
        refuse = Fault(Harm.REFUSE, status=501, code="NotImplemented")
        proxy.plan = lambda verb, _: refuse if verb == "DeleteObjects" else None
        await behind.delete_tree("/tree")
        assert taken() == ["ListObjects", "DeleteObjects", *["DeleteObject"] * 5]
        assert await paths(behind, "/") == []
