"""Links: small files that are the permission to see content."""

from __future__ import annotations

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown
from app.registry import layout
from app.registry.links import LinkBroken, Links, parse
from drivers.memory import MemoryDriver
from tests.support.counting import counted

FOLDER = "/docker/registry/v2/repositories/a/_layers"
DIGEST = Digest.of(b"content")
ALIAS = Digest.of(b"content", Algorithm.SHA512)
OTHER = Digest.of(b"other")
OTHER_ALIAS = Digest.of(b"other", Algorithm.SHA512)


@pytest.fixture
def memory():
    return MemoryDriver()


@pytest.fixture
def links(memory):
    return Links(memory, FOLDER)


async def test_a_link_is_a_file_with_the_digest_and_nothing_else(memory, links):
    await links.write(DIGEST, DIGEST)
    assert await memory.get(f"{FOLDER}/sha256/{DIGEST.hex}/link") == DIGEST.encode()
    assert await links.read(DIGEST) == DIGEST
    assert await links.exists(DIGEST)


async def test_what_is_not_linked_is_unknown(links):
    with pytest.raises(BlobUnknown) as caught:
        await links.read(DIGEST)
    assert caught.value.detail == {"digest": DIGEST}
    assert not await links.exists(DIGEST)


async def test_an_alias_holds_the_canonical_digest_which_is_linked_beside_it(memory, links):
    await links.write(DIGEST, ALIAS)
    assert await memory.get(f"{FOLDER}/sha512/{ALIAS.hex}/link") == DIGEST.encode()
    assert await links.read(ALIAS) == DIGEST
    assert await links.read(DIGEST) == DIGEST


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"sha256:short",
        DIGEST.encode() + b"\n",
        b" " + DIGEST.encode(),
        b"\xff\xfe",
        DIGEST.upper().encode(),
        OTHER.encode(),
        ALIAS.encode(),
        b"\x00" * 71,
        DIGEST.encode() * 2,
    ],
)
async def test_an_empty_or_corrupt_link_counts_as_missing_and_the_next_write_heals_it(memory, links, content):
    await memory.put(layout.link(FOLDER, DIGEST), content)
    assert not await links.exists(DIGEST)
    assert await links.names(DIGEST) == ()
    await links.write(DIGEST, DIGEST)
    assert await links.exists(DIGEST)


@pytest.mark.parametrize("content", [b"", ALIAS.encode(), OTHER_ALIAS.encode(), b"sha256:x"])
async def test_an_alias_that_holds_no_canonical_digest_counts_as_missing(memory, links, content):
    await memory.put(layout.link(FOLDER, ALIAS), content)
    assert not await links.exists(ALIAS)


async def test_content_has_all_its_names_whichever_is_asked_and_that_one_last(links):
    await links.write(DIGEST, ALIAS)
    await links.write(OTHER, OTHER_ALIAS)
    assert await links.names(DIGEST) == (ALIAS, DIGEST)
    assert await links.names(ALIAS) == (DIGEST, ALIAS)


async def test_an_alias_is_found_when_the_canonical_link_is_gone(links):
    await links.write(DIGEST, ALIAS)
    await links.remove(DIGEST)
    assert await links.names(DIGEST) == (ALIAS,)


async def test_an_alias_is_found_among_many_and_among_what_is_not_ours(memory, links):
    for number in range(50):
        content = b"%d" % number
        await links.write(Digest.of(content), Digest.of(content, Algorithm.SHA512))
    await memory.put(f"{FOLDER}/sha512/not-a-digest/link", b"x")
    await memory.put(f"{FOLDER}/sha512/{'0' * 128}/link", b"")
    await links.write(DIGEST, ALIAS)
    assert await links.names(DIGEST) == (ALIAS, DIGEST)


async def test_removing_a_link_leaves_the_others_and_can_be_repeated(links):
    await links.write(DIGEST, ALIAS)
    await links.remove(DIGEST)
    await links.remove(DIGEST)
    assert not await links.exists(DIGEST)
    assert await links.exists(ALIAS)


async def test_what_each_step_costs(memory):
    driver, calls = counted(memory)
    links = Links(driver, FOLDER)
    await links.write(DIGEST, DIGEST)
    assert calls.taken() == ["put"]
    await links.read(DIGEST)
    assert calls.taken() == ["get"]
    assert await links.names(DIGEST) == (DIGEST,)
    assert calls.taken() == ["get", "list"]
    await links.write(DIGEST, ALIAS)
    assert calls.taken() == ["put", "put"]
    await links.names(ALIAS)
    assert calls.taken() == ["get"]
    await links.remove(DIGEST)
    assert calls.taken() == ["delete"]


async def test_the_canonical_link_is_there_before_its_alias():
    class Dying(MemoryDriver):
        """A process that is killed after its first write."""

        async def put(self, path, content, /):
            if self._files:
                raise ConnectionError
            await super().put(path, content)

    driver = Dying()
    with pytest.raises(ConnectionError):
        await Links(driver, FOLDER).write(DIGEST, ALIAS)
    assert await Links(driver, FOLDER).exists(DIGEST)


def test_a_link_file_is_parsed_strictly():
    assert parse(ALIAS.encode()) == ALIAS
    for content in (b"", b"\xff", DIGEST.encode() + b"\n", b"latest"):
        with pytest.raises(LinkBroken):
            parse(content)
