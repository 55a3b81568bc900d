import pytest

from app.oci.reference import RepositoryName
from app.registry import layout
from app.registry.index import RepositoryIndex
from drivers.memory import MemoryDriver
from tests.support.watched import WatchedDriver

NAMES = sorted(["a", "a-b", "a.b", "a/b", "a0", "a/b/c", "a_b", "b", "z/y", "1", "0/a"])


async def all_of(index, after=""):
    return [name async for name in index.names(after=after)]


async def filled(names=NAMES):
    index = RepositoryIndex(MemoryDriver())
    for name in reversed(names):
        await index.add(RepositoryName.parse(name))
    return index


async def test_names_come_in_byte_order_though_one_is_the_folder_of_another():
    assert await all_of(await filled()) == NAMES


@pytest.mark.parametrize(
    "after",
    [*NAMES, "a!", "a'", "a:", "aA", "aZ", "a`", "a~", "a\u00e9", "A", "", "zz", "a/", "a/b/", "\U0001f433", "-"],
)
async def test_a_page_begins_after_any_text_a_client_may_name(after):
    assert await all_of(await filled(), after) == [name for name in NAMES if name > after]


async def test_nothing_is_listed_where_nothing_is():
    assert await all_of(RepositoryIndex(MemoryDriver())) == []


async def test_a_key_is_written_once_in_a_process():
    driver = WatchedDriver(MemoryDriver())
    index = RepositoryIndex(driver)
    for _ in range(3):
        await index.add(RepositoryName.parse("a/b"))
    assert [call.verb for call in driver.calls] == ["put"]


async def test_a_key_that_is_not_ours_is_passed_over():
    driver = MemoryDriver()
    await driver.put(f"{layout.REPOSITORY_INDEX}/A..A", b"")
    await driver.put(f"{layout.REPOSITORY_INDEX}/good", b"")
    assert await all_of(RepositoryIndex(driver)) == ["good"]


async def test_the_index_of_a_store_that_the_go_registry_filled_is_built_at_the_first_start_only():
    driver = WatchedDriver(MemoryDriver())
    for name in ("a", "a/b/c", "deep/er/still"):
        await driver.put(f"{layout.REPOSITORIES}/{name}/_manifests/revisions/sha256/00/link", b"x")
        await driver.put(f"{layout.REPOSITORIES}/{name}/_layers/sha256/00/link", b"x")
    await driver.put(f"{layout.REPOSITORIES}/only/layers/_layers/sha256/00/link", b"x")
    await driver.put(f"{layout.REPOSITORIES}/Upper/_manifests/tags/x/current/link", b"x")
    index = RepositoryIndex(driver)
    await index.prepare()
    assert await all_of(index) == ["a", "a/b/c", "deep/er/still"]
    assert not [call for call in driver.calls if call.verb == "list" and "/_" in call.path]
    driver.calls.clear()
    await RepositoryIndex(driver).prepare()
    assert driver.calls == [("get", layout.REPOSITORY_INDEX_BUILT)]


async def test_a_build_that_was_interrupted_begins_anew():
    memory = MemoryDriver()
    for name in ("a", "b", "c"):
        await memory.put(f"{layout.REPOSITORIES}/{name}/_manifests/tags/x/current/link", b"x")
    for writes in range(4):
        driver = WatchedDriver(memory)
        driver.writes_left = writes
        with pytest.raises(Exception, match="put"):
            await RepositoryIndex(driver).prepare()
    index = RepositoryIndex(memory)
    await index.prepare()
    assert await all_of(index) == ["a", "b", "c"]
