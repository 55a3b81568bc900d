"""What the composition root makes of `storage.maintenance`."""

import asyncio
import logging
from dataclasses import replace

import pytest

from app.config.model import Maintenance, ReadOnly, UploadPurging
from app.config.units import Duration
from app.main import maintaining, registry
from app.registry.maintenance.report import Report, Skipped
from drivers.errors import Unavailable
from tests.support.running import changed, configuration


class Purges:
    """A purge that tells what it was asked for."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = asyncio.Queue()

    async def run(self, age, *, dry):
        self.asked.put_nowait((age.total_seconds(), dry))
        answer = self.answers.pop(0) if self.answers else Report()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def kept(tmp_path):
    """A function that begins to maintain a store with a purge and settings of the test's."""
    config = configuration("inmemory", tmp_path)
    async with registry(config) as services:

        def keep(purge, *, readonly=False, **settings):
            settings = {"interval": Duration(0.001), **settings}
            maintenance = Maintenance(uploadpurging=UploadPurging(**settings), readonly=ReadOnly(enabled=readonly))
            storage = changed(config.storage, maintenance=maintenance)
            return maintaining(changed(config, storage=storage), replace(services, purge=purge))

        yield keep


async def test_uploads_are_purged_by_the_configured_age_again_and_again(kept):
    purge = Purges()
    async with kept(purge, age=Duration(60), dryrun=True):
        assert [await purge.asked.get() for _ in range(3)] == [(60, True)] * 3


@pytest.mark.parametrize("settings", [{"enabled": False}, {"readonly": True}], ids=["off", "read-only"])
async def test_nothing_is_purged_when_it_is_off_or_nothing_may_be_written(kept, settings):
    purge = Purges()
    async with kept(purge, **settings):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert [task for task in others if task.get_name() == "the purge of uploads"] == []
    assert purge.asked.empty()


async def test_a_purge_that_fails_is_logged_and_tried_again(kept, caplog):
    purge = Purges(Unavailable("no disk"))
    async with kept(purge):
        for _ in range(2):
            await purge.asked.get()
    (failure,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "tried again" in failure.getMessage()


async def test_what_was_done_and_what_was_left_is_in_the_log(kept, caplog):
    caplog.set_level(logging.INFO)
    purge = Purges(Report(1, 2, 3, 0, (Skipped("/a", "no disk"),)))
    async with kept(purge):
        for _ in range(2):
            await purge.asked.get()
    said = [record.getMessage() for record in caplog.records if "purge" in record.getMessage()]
    assert said[:2] == [
        "left by the purge of uploads: /a: no disk",
        "purge of uploads: removed 1 session: 2 files, 3 bytes",
    ]
