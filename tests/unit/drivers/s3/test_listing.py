"""The order of names from pages in the order of keys."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from drivers.contract import FileInfo
from drivers.paths import below
from drivers.s3 import listing
from drivers.s3.client import Page
from drivers.s3.opening import make_driver
from tests.contracts.samples import names, paths

EPOCH = datetime.fromtimestamp(0, UTC)
LETTERS = "-.01aA_"


class Keys:
    """Answers as a bucket with these keys does: by the rules of ListObjectsV2."""

    def __init__(self, keys):
        self.keys = sorted(keys)
        self.requests = 0

    async def page(self, folder, *, deep, after="", more=None, most=1000):
        self.requests += 1
        prefix, files, folders = below(folder), [], []
        last = after if more is None else more
        for key in self.keys:
            if not key.startswith(prefix) or key <= last:
                continue
            name, slash, _ = key[len(prefix) :].partition("/")
            if slash and not deep:
                if folders[-1:] == [name] or (more is not None and more == f"{prefix}{name}/\x7f"):
                    continue
                if len(files) + len(folders) == most:
                    return Page(tuple(files), tuple(folders), last)
                folders.append(name)
                last = f"{prefix}{name}/\x7f"  # after all that is in it
            else:
                if len(files) + len(folders) == most:
                    return Page(tuple(files), tuple(folders), last)
                files.append(FileInfo(key, 0, EPOCH))
                last = key
        return Page(tuple(files), tuple(folders), None)


def some_names(chance):
    made = {"".join(chance.choices(LETTERS, k=chance.randint(1, 5))) for _ in range(chance.randint(1, 40))}
    # Names that are prefixes of others are what is hard.
    made |= {name + chance.choice("-.0") + chance.choice("a0-") for name in made if chance.random() < 0.4}
    return sorted((made | {"a"}) - {".", ".."})


@pytest.mark.parametrize("seed", range(20))
async def test_every_page_of_names_equals_the_sorted_set(seed):
    chance = random.Random(seed)
    for _ in range(300):
        found = some_names(chance)
        keys = [f"/f/{name}{chance.choice(['/link', '/a/link', ''])}" for name in found]
        keys += ["/e/x", "/f-g/x", "/f.g/x", "/g/x"]
        after = chance.choice(["", *found, chance.choice(found) + chance.choice("-.0")])
        bucket = Keys(keys)
        wanted = [name for name in found if name > after]
        got = [name async for name in listing.names(bucket, "/f", after, most=chance.randint(1, 6))]
        assert got == wanted, (found, after)


@pytest.mark.parametrize("seed", range(5))
async def test_every_page_of_files_equals_the_sorted_set(seed):
    chance = random.Random(seed)
    for _ in range(200):
        keys = sorted(f"/f/{name}/{chance.choice(LETTERS[2:])}" for name in some_names(chance))
        after = chance.choice(["", "/f", "/f/", "/e", "/g", *keys, chance.choice(keys)[:-1]])
        bucket = Keys([*keys, "/e/x", "/f-g/x", "/g/x"])
        got = [file.path async for file in listing.files(bucket, "/f", after, most=chance.randint(1, 6))]
        assert got == [key for key in keys if key > after]


async def test_a_page_that_is_whole_is_one_request():
    bucket = Keys(f"/f/{name}/link" for name in ("1.0", "1.0-alpine", "1.0.1"))
    assert [name async for name in listing.names(bucket, "/f", "", most=1000)] == ["1.0", "1.0-alpine", "1.0.1"]
    assert bucket.requests == 1


async def test_a_cut_page_costs_a_look_up_for_each_boundary_of_its_last_key_and_only_when_names_beyond_are_taken():
    bucket = Keys(f"/f/{name}/link" for name in ("0", "1.0.1-a", "1.0.1-b", "1.0.1-c", "1.0", "2"))
    found = listing.names(bucket, "/f", "", most=2)
    assert await anext(found) == "0"
    assert bucket.requests == 1
    assert await anext(found) == "1.0"
    assert bucket.requests == 1 + 3  # 1 and 1.0 and 1.0.1
    assert [name async for name in found] == ["1.0.1-a", "1.0.1-b", "1.0.1-c", "2"]


async def test_names_that_no_path_could_have_are_passed_over():
    bucket = Keys(["/f/", "/f/a b/link", "/f/a/link", "/f/ä", "/f/../x", "/f//x"])
    assert [name async for name in listing.names(bucket, "/f", "", most=2)] == ["a"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_real_store_lists_the_sorted_set_page_by_page(connection, client, settings, conditions):
    chance = random.Random(1)
    found = some_names(chance)
    driver = make_driver(connection, client, settings, conditions, pagesize=3)
    for name in found:
        await driver.put(f"/f/{name}/link", b"")
    for path in ("/e/x", "/f-g/x", "/f.g/x", "/g/x"):
        await driver.put(path, b"")
    for after in ["", *found]:
        assert await names(driver, "/f", after=after) == [name for name in found if name > after], after
    files = sorted(f"/f/{name}/link" for name in found)
    assert await paths(driver, "/f") == files
    assert await paths(driver, "/f", after=files[4]) == files[5:]
