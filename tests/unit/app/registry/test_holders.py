import pytest

from app.oci.descriptor import Descriptor
from app.oci.digest import Digest
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.events import Event, EventAction, Subject
from app.registry.holders import EACH, Holders
from app.registry.index import RepositoryIndex
from drivers.memory import MemoryDriver
from tests.support.domain import Heard
from tests.support.watched import WatchedDriver

DIGEST = Digest.of(b"layer")


@pytest.fixture
def driver():
    return WatchedDriver(MemoryDriver())


def named(*names):
    return [RepositoryName.parse(name) for name in names]


async def hold(driver, *names, indexed=True):
    index = RepositoryIndex(driver)
    for name in named(*names):
        await driver.put(layout.link(layout.layers(name), DIGEST), DIGEST.encode())
        if indexed:
            await index.add(name)
    driver.calls.clear()


def tell(holders, name, action=EventAction.PUSH, subject=Subject.BLOB):
    descriptor = Descriptor(OCTET_STREAM, 5, DIGEST)
    holders.emit(Event(action, subject, RepositoryName.parse(name), descriptor))


async def of(holders):
    return [name async for name in holders.of(DIGEST)]


async def test_those_last_heard_of_come_first_and_each_once(driver):
    await hold(driver, "a", "b", "c")
    holders = Holders(driver, RepositoryIndex(driver))
    for name in ("b", "c", "c", "b"):
        tell(holders, name)
    assert await of(holders) == ["b", "c", "a"]


@pytest.mark.parametrize("action", [EventAction.PUSH, EventAction.PULL, EventAction.MOUNT])
async def test_whoever_brings_or_reads_a_blob_holds_it(driver, action):
    await hold(driver, "a", indexed=False)
    holders = Holders(driver, RepositoryIndex(driver))
    tell(holders, "a", action)
    assert await of(holders) == ["a"]


async def test_deletes_and_manifests_say_nothing_of_layers(driver):
    await hold(driver, "a", indexed=False)
    holders = Holders(driver, RepositoryIndex(driver))
    tell(holders, "a", EventAction.DELETE)
    tell(holders, "a", subject=Subject.MANIFEST)
    assert await of(holders) == []


async def test_who_no_longer_holds_a_layer_is_not_named(driver):
    await hold(driver, "a", "b")
    holders = Holders(driver, RepositoryIndex(driver))
    tell(holders, "a")
    await driver.delete(layout.link(layout.layers(RepositoryName.parse("a")), DIGEST))
    assert await of(holders) == ["b"]


async def test_the_search_ends_after_so_many_repositories(driver):
    names = [f"r{number:03}" for number in range(100)]
    await hold(driver, *names)
    assert await of(Holders(driver, RepositoryIndex(driver), searched=50)) == names[:50]
    driver.calls.clear()
    for name in named(*names):
        await driver.inner.delete(layout.link(layout.layers(name), DIGEST))
    assert await of(Holders(driver, RepositoryIndex(driver), searched=50)) == []
    assert [call.verb for call in driver.calls] == ["list", *["get"] * 50]


async def test_only_a_few_holders_of_a_digest_are_remembered(driver):
    names = [f"r{number:03}" for number in range(EACH + 5)]
    await hold(driver, *names, indexed=False)
    holders = Holders(driver, RepositoryIndex(driver))
    for name in names:
        tell(holders, name)
    assert await of(holders) == list(reversed(names))[:EACH]


async def test_events_are_passed_on(driver):
    heard = Heard()
    holders = Holders(driver, RepositoryIndex(driver), events=heard)
    tell(holders, "a", EventAction.DELETE)
    tell(holders, "b")
    assert [event.repository for event in heard.events] == ["a", "b"]
