import asyncio

import pytest

from app.oci.errors import ManifestInvalid, ManifestUnknown
from app.oci.manifest import parse
from app.registry import layout
from app.registry.payloads import Payloads, parse_manifest
from drivers.memory import MemoryDriver
from tests.support.pushes import image
from tests.support.watched import WatchedDriver

MANIFEST = parse(image(b"{}"))
PATH = layout.blob_data(MANIFEST.digest)


async def test_what_was_put_is_read_back_byte_for_byte_by_another_process():
    driver = WatchedDriver(MemoryDriver())
    await Payloads(driver).put(MANIFEST)
    assert driver.calls == [("put", PATH)]
    assert await Payloads(driver).get(MANIFEST.digest) == MANIFEST


async def test_a_manifest_is_read_from_storage_once():
    driver = WatchedDriver(MemoryDriver())
    await driver.put(PATH, MANIFEST.raw)
    payloads = Payloads(driver)
    driver.calls.clear()
    for _ in range(3):
        await payloads.get(MANIFEST.digest)
    assert driver.calls == [("get", PATH)]


@pytest.mark.parametrize("stored", [b"", MANIFEST.raw[:-1], MANIFEST.raw.replace(b"2", b"3", 1), image(b"other")])
async def test_wrong_bytes_are_never_handed_out_and_the_next_push_heals_them(stored, caplog):
    driver = MemoryDriver()
    await driver.put(PATH, stored)
    payloads = Payloads(driver)
    with pytest.raises(ManifestUnknown):
        await payloads.get(MANIFEST.digest)
    assert "corrupt in storage" in caplog.text
    await payloads.put(MANIFEST)
    assert (await Payloads(driver).get(MANIFEST.digest)).raw == MANIFEST.raw


async def test_missing_bytes_are_an_unknown_manifest():
    with pytest.raises(ManifestUnknown):
        await Payloads(MemoryDriver()).get(MANIFEST.digest)


async def test_memory_for_manifests_is_bounded():
    driver = WatchedDriver(MemoryDriver())
    payloads = Payloads(driver, room=40_000)
    manifests = [parse(image(b"{}", annotations={"a": f"{number:04}" * 250})) for number in range(20)]
    for manifest in manifests:
        await payloads.put(manifest)
    assert sum(manifest.digest in payloads for manifest in manifests) < 10
    driver.calls.clear()
    assert await payloads.get(manifests[0].digest) == manifests[0]
    assert len(driver.calls) == 1


async def test_many_who_ask_at_once_cost_one_read():
    driver = WatchedDriver(MemoryDriver())
    await driver.put(PATH, MANIFEST.raw)
    payloads = Payloads(driver)
    everybody = asyncio.Event()

    async def wait(call):
        await everybody.wait()

    driver.calls.clear()
    driver.before = wait
    asking = [asyncio.create_task(payloads.get(MANIFEST.digest)) for _ in range(20)]
    await asyncio.sleep(0)
    everybody.set()
    assert await asyncio.gather(*asking) == [MANIFEST] * 20
    assert driver.calls == [("get", PATH)]


async def test_a_manifest_of_four_mebibytes_does_not_stop_the_event_loop():
    content = image(b"{}", annotations={"a": "b" * (4 << 20)})
    parsing = asyncio.create_task(parse_manifest(content))
    turns = 0
    while not parsing.done():
        await asyncio.sleep(0)
        turns += 1
    assert parsing.result() == parse(content)
    assert turns > 2
    with pytest.raises(ManifestInvalid):
        await parse_manifest(content, "text/plain")
