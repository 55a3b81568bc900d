"""A store that fails: what passes is tried again, what does not is unavailable, and only absence is absence."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from dataclasses import replace

import pytest
import pytest_asyncio

from drivers.contract import Part
from drivers.errors import Conflict, PathNotFound, Unavailable
from drivers.s3 import open_driver
from drivers.s3.connection import connect
from drivers.s3.opening import make_client, make_driver
from tests.contracts.samples import MIB, names, paths, read, write
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW_DOWN = Fault(Harm.REFUSE)
BROKEN = Fault(Harm.REFUSE, 500, "InternalError")
PASSING = {
    "SlowDown": SLOW_DOWN,
    "500": BROKEN,
    "502 without S3's words": Fault(Harm.REFUSE, 502, ""),
    "reset before": Fault(Harm.RESET),
    "reset after": Fault(Harm.LOSE),
    "stall": Fault(Harm.STALL),
}


@pytest_asyncio.fixture(loop_scope="session")
async def impatient(proxy, settings, conditions):
    """A driver that gives up at once."""
    hasty = replace(
        settings, regionendpoint=proxy.store.endpoint, requesttimeout=1.0, transfertimeout=3.0, retrybudget=0
    )
    async with connect(hasty) as connection:
        yield make_driver(connection, make_client(connection, hasty), hasty, conditions)


def once(verb, fault):
    """Harm the first request of *verb* alone."""
    left = [fault]
    return lambda name, _: left.pop() if left and name == verb else None


def always(verb, fault):
    return lambda name, _: fault if name == verb else None


class TestWhatPasses:
    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    async def test_every_verb_is_carried_out_all_the_same(self, behind, proxy, fault):
        calls = {
            "PutObject": behind.put("/file", b"content"),
            "GetObject": behind.get("/file"),
            "HeadObject": behind.stat("/file"),
            "ListObjects": names(behind, "/"),
            "CopyObject": behind.move("/file", "/other"),
            "DeleteObject": behind.delete("/other"),
        }
        for verb, call in calls.items():
            proxy.plan = once(verb, fault)
            await call
        assert proxy.taken().count("PutObject") == 2
        assert await paths(behind, "/") == []

    @pytest.mark.parametrize("harm", [Harm.CUT, Harm.HOLLOW])
    async def test_content_that_does_not_come_whole_is_asked_for_again(self, behind, proxy, harm):
        content = os.urandom(MIB)
        await behind.put("/file", content)
        proxy.plan = once("GetObject", Fault(harm))
        assert await behind.get("/file") == content

    @pytest.mark.parametrize("harm", [Harm.LOSE, Harm.HOLLOW, Harm.ERROR_200, Harm.REFUSE, Harm.STALL])
    @pytest.mark.parametrize("verb", ["UploadPart", "CompleteMultipartUpload"])
    async def test_an_upload_in_parts_is_completed(self, behind, proxy, uploads, verb, harm):
        content = os.urandom(21 * MIB)
        proxy.plan = once(verb, Fault(harm, code="InternalError"))
        version = await write(behind, "/file", content)
        assert await read(behind, "/file") == content
        assert (await behind.get_version("/file"))[1] == version
        assert await uploads() == []

    @pytest.mark.parametrize("harm", [Harm.LOSE, Harm.HOLLOW, Harm.ERROR_200])
    @pytest.mark.parametrize("sizes", [[6 * MIB], [5 * MIB, 5 * MIB]])
    async def test_files_are_put_together(self, behind, proxy, uploads, sizes, harm):
        contents = [os.urandom(size) for size in sizes]
        parts = [
            Part(f"/p/{number}", len(content), await write(behind, f"/p/{number}", content))
            for number, content in enumerate(contents)
        ]
        copy = "CopyObject" if len(sizes) == 1 else "UploadPartCopy"
        proxy.plan = once(copy, Fault(harm, code="InternalError"))
        await behind.compose("/target", parts)
        assert await read(behind, "/target") == b"".join(contents)
        assert await uploads() == []


class TestLostAnswers:
    async def test_a_create_that_was_carried_out_is_no_conflict_with_itself(self, behind, proxy):
        proxy.plan = once("PutObject", Fault(Harm.LOSE))
        version = await behind.create("/file", b"mine")
        assert await behind.get_version("/file") == (b"mine", version)

    async def test_a_swap_that_was_carried_out_is_no_conflict_with_itself(self, behind, proxy):
        first = await behind.create("/file", b"1")
        proxy.plan = once("PutObject", Fault(Harm.LOSE))
        version = await behind.swap("/file", b"2", first)
        assert await behind.get_version("/file") == (b"2", version)

    async def test_a_create_that_another_won_is_a_conflict_though_the_content_is_the_same(self, behind, proxy, driver):
        await driver.create("/file", b"same")
        proxy.plan = once("PutObject", Fault(Harm.RESET))
        with pytest.raises(Conflict):
            await behind.create("/file", b"same")

    async def test_a_swap_that_nobody_can_tell_from_anothers_is_unavailable(self, behind, proxy, driver):
        first = await driver.create("/file", b"1")
        await driver.swap("/file", b"2", first)
        proxy.plan = once("PutObject", Fault(Harm.RESET))
        with pytest.raises(Unavailable):
            await behind.swap("/file", b"2", first)


class TestWhatDoesNotPass:
    @pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
    async def test_no_failure_is_absence(self, impatient, proxy, fault):
        await impatient.put("/folder/file", b"content")
        for verb, call in {
            "GetObject": lambda: impatient.get("/folder/file"),
            "HeadObject": lambda: impatient.stat("/folder/file"),
            "ListObjects": lambda: names(impatient, "/folder"),
        }.items():
            proxy.plan = always(verb, fault)
            with pytest.raises(Unavailable) as raised:
                await call()
            assert raised.value.retry_after > 0
        proxy.plan = always("ListObjects", fault)
        with pytest.raises(Unavailable):
            await impatient.stat("/absent")
        with pytest.raises(Unavailable):
            await paths(impatient, "/")

    @pytest.mark.parametrize(
        ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (403, "InvalidAccessKeyId")]
    )
    async def test_what_only_an_operator_can_mend_is_said_in_the_log_and_not_tried_again(
        self, behind, proxy, caplog, status, code
    ):
        proxy.plan = always("GetObject", Fault(Harm.REFUSE, status, code))
        proxy.taken()
        with caplog.at_level(logging.ERROR), pytest.raises(Unavailable, match=code):
            await behind.get("/file")
        assert proxy.taken() == ["GetObject"]
        assert code in caplog.text

    async def test_a_conflict_of_two_conditional_writes_is_tried_again(self, behind, proxy):
        proxy.plan = once("PutObject", Fault(Harm.REFUSE, 409, "ConditionalRequestConflict"))
        await behind.create("/file", b"content")

    async def test_a_missing_bucket_is_named_at_the_start(self, store):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            async with open_driver(store.settings(bucket="nosuchbucket")):
                pass

    async def test_a_store_that_is_not_there_is_unavailable(self, settings):
        with pytest.raises(Unavailable):
            async with open_driver(replace(settings, regionendpoint="http://127.0.0.1:1", retrybudget=0)):
                pass


class TestNothingIsLeftOver:
    @pytest.mark.parametrize("verb", ["UploadPart", "CompleteMultipartUpload"])
    async def test_a_failed_upload_is_aborted(self, impatient, proxy, uploads, verb):
        proxy.plan = always(verb, BROKEN)
        with pytest.raises(Unavailable):
            await write(impatient, "/file", *[b"x" * MIB] * 60)
        assert await uploads() == []
        with pytest.raises(PathNotFound):
            await impatient.stat("/file")

    async def test_a_failed_writer_accepts_nothing_more(self, impatient, proxy):
        proxy.plan = always("UploadPart", BROKEN)
        async with impatient.writer("/file") as writer:
            with pytest.raises(Unavailable):
                await writer.write(b"x" * (100 * MIB))
            for call in (writer.write(b"x"), writer.commit()):
                with pytest.raises(Unavailable):
                    await call

    async def test_a_cancelled_upload_is_aborted(self, behind, proxy, uploads):
        begun = asyncio.Event()

        def plan(verb, _):
            if verb == "UploadPart":
                begun.set()

        proxy.plan = plan

        async def upload():
            async with behind.writer("/file") as writer:
                while True:
                    await writer.write(b"x" * MIB)

        task = asyncio.create_task(upload())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await uploads() == []
        assert proxy.taken()[-1] == "AbortMultipartUpload"

    async def test_a_failed_copy_in_parts_is_aborted(self, impatient, proxy, uploads, driver):
        parts = [Part(f"/p/{n}", 5 * MIB, await write(driver, f"/p/{n}", b"x" * 5 * MIB)) for n in range(2)]
        proxy.plan = always("UploadPartCopy", BROKEN)
        with pytest.raises(Unavailable):
            await impatient.compose("/target", parts)
        assert await uploads() == []

    async def test_no_bytes_stay_reserved(self, impatient, proxy):
        proxy.plan = always("UploadPart", BROKEN)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await write(impatient, "/file", *[b"x" * MIB] * 60)
        assert impatient._budget.free == 96 * MIB


@pytest.mark.parametrize("seed", range(3))
async def test_with_one_call_in_ten_failing_all_that_succeeds_is_whole_and_no_failure_is_absence(
    behind, proxy, uploads, seed
):
    chance = random.Random(seed)
    harms = [SLOW_DOWN, BROKEN, Fault(Harm.RESET), Fault(Harm.LOSE), Fault(Harm.CUT), Fault(Harm.HOLLOW)]

    def plan(verb, _):
        fault = chance.choice(harms) if chance.random() < 0.1 else None
        # An answer to a write that has no content is what a write without a fault has, too.
        return None if fault is not None and fault.harm in {Harm.CUT, Harm.HOLLOW} and verb != "GetObject" else fault

    proxy.plan = plan
    stored = {}

    async def push(number):
        path, content = f"/blobs/{number}", os.urandom(chance.choice([10, 100_000, MIB]))
        try:
            await write(behind, path, content)
            stored[path] = content
            part = Part(path, len(content), (await behind.get_version(path))[1])
            await behind.compose(f"{path}-copy", [part], b"tail")
            stored[f"{path}-copy"] = content + b"tail"
            await behind.create(f"{path}-record", b"record")
            stored[f"{path}-record"] = b"record"
        except Unavailable:
            pass

    async def pull(path):
        try:
            return await read(behind, path) == stored[path]
        except Unavailable:
            return None

    await asyncio.gather(*(push(number) for number in range(40)))
    assert len(stored) > 100
    answers = await asyncio.gather(*(pull(path) for path in stored for _ in range(3)))
    assert False not in answers
    assert answers.count(None) < len(answers) / 20
    proxy.plan = lambda _verb, _number: None
    assert {path: await read(behind, path) for path in stored} == stored
    assert await uploads() == []
