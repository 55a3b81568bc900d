"""What all processes on one store agree on."""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import stat
import uuid

import pytest

from app.oci.errors import Unavailable
from app.registry import layout
from app.registry.state import FormatUnsupported, Now, StateInvalid, open_state
from drivers.filesystem import FilesystemDriver
from drivers.memory import MemoryDriver
from tests.support.counting import counted


def opened(driver, *, swap=True):
    ids = itertools.count(1)
    letters = itertools.count(ord("a"))
    return open_state(
        driver,
        swap=driver if swap else None,
        new_id=lambda: f"id-{next(ids)}",
        random_bytes=lambda size: bytes([next(letters)]) * size,
    )


@pytest.fixture
def memory():
    return MemoryDriver()


@pytest.mark.parametrize("swap", [True, False])
async def test_the_first_start_makes_everything_and_the_next_finds_it(memory, swap):
    first = await opened(memory, swap=swap)
    assert first.format.version == 1
    assert first.format.storage == "id-1"
    assert first.format.mode == "exclusive"
    assert first.secret == b"a" * 32
    assert await first.now() == Now("id-2", collector=0, active=False, redis=None)
    files = [file.path async for file in memory.walk("/")]
    assert files == [layout.FORMAT, layout.NOW, layout.SECRET]
    driver, calls = counted(memory)
    again = await open_state(driver, swap=None, new_id=lambda: "other", random_bytes=os.urandom)
    assert (again.format, again.secret, await again.now()) == (first.format, first.secret, await first.now())
    assert set(calls.taken()) == {"get"}


async def test_the_present_is_read_fresh_each_time(memory):
    driver, calls = counted(memory)
    state = await opened(driver)
    calls.taken()
    await memory.put(layout.NOW, b'{"epoch":"e","collector":7,"active":true,"redis":"r","later":[1]}')
    assert await state.now() == Now("e", 7, active=True, redis="r")
    assert calls.taken() == ["get"]


async def test_a_store_of_another_format_is_refused_and_left_as_it_is(memory):
    await memory.put(layout.FORMAT, b'{"version":2,"strange":true}')
    with pytest.raises(FormatUnsupported, match=r"format 2.*format 1"):
        await opened(memory)
    assert [file.path async for file in memory.walk("/")] == [layout.FORMAT]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}", b'{"version":"1"}', b'{"version":1}'])
async def test_a_damaged_format_is_an_error_that_names_the_file(memory, content):
    await memory.put(layout.FORMAT, content)
    with pytest.raises(StateInvalid, match="moorage/v1/format"):
        await opened(memory)


async def test_an_unknown_mode_is_refused(memory):
    await memory.put(layout.FORMAT, b'{"version":1,"storage":"x","mode":"anarchy"}')
    with pytest.raises(StateInvalid, match="moorage/v1/format"):
        await opened(memory)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
async def test_a_secret_of_another_length_is_an_error_that_names_the_file(memory, content):
    await memory.put(layout.SECRET, content)
    with pytest.raises(StateInvalid, match="moorage/v1/state/secret"):
        await opened(memory)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b"\xff\x00", b'{"epoch":1}', b'{"epoch":"e","collector":"1"}', b"null"]
)
async def test_a_damaged_present_is_an_error_that_names_the_file(memory, content):
    state = await opened(memory)
    await memory.put(layout.NOW, content)
    with pytest.raises(StateInvalid, match="moorage/v1/state/now is damaged") as caught:
        await state.now()
    assert caught.value.path == layout.NOW
    assert isinstance(caught.value, Unavailable)
    with pytest.raises(StateInvalid):
        await opened(memory)


async def test_a_present_that_was_removed_while_we_run_is_an_error_that_names_the_file(memory):
    state = await opened(memory)
    await memory.delete(layout.NOW)
    with pytest.raises(StateInvalid, match="moorage/v1/state/now is missing"):
        await state.now()


async def test_whoever_loses_the_race_takes_what_the_winner_wrote(memory):
    class Late(MemoryDriver):
        """Somebody else creates each file just before we do."""

        async def create(self, path, content, /, *, durable=True):
            await super().create(path, content.replace(b"id-", b"ID-").replace(b"a" * 32, b"z" * 32))
            return await super().create(path, content, durable=durable)

    state = await opened(Late())
    assert state.secret == b"z" * 32
    assert state.format.storage == "ID-1"


async def test_only_the_owner_may_read_the_secret(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        await opened(driver)
    assert stat.S_IMODE((tmp_path / layout.SECRET.lstrip("/")).stat().st_mode) == 0o600
    assert json.loads((tmp_path / layout.NOW.lstrip("/")).read_bytes())["collector"] == 0


async def _open(root: str) -> tuple[str, bytes, str]:
    async with FilesystemDriver(root, fsync=False) as driver:
        state = await open_state(driver, swap=driver, new_id=lambda: str(uuid.uuid4()), random_bytes=os.urandom)
        return state.format.storage, state.secret, (await state.now()).epoch


def _start(root: str, barrier, results) -> None:
    barrier.wait()
    results.put(asyncio.run(_open(root)))


def test_processes_that_start_at_once_agree_on_everything(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    for round_ in range(2):
        root = str(tmp_path / str(round_))
        barrier, results = spawn.Barrier(4), spawn.Queue()
        processes = [spawn.Process(target=_start, args=(root, barrier, results)) for _ in range(4)]
        for process in processes:
            process.start()
        answers = {results.get(timeout=60) for _ in processes}
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        assert len(answers) == 1
