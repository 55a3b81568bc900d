import asyncio

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import ManifestUnknown, NameUnknown, PreconditionFailed, Unavailable, Unsupported
from app.oci.reference import Tag
from app.registry import layout
from app.registry.contracts import Precondition
from app.registry.events import Event, EventAction, Subject
from app.registry.tags import Tags
from drivers.errors import Conflict
from tests.support.domain import NAME, Heard
from tests.support.watched import Crashed, WatchedDriver

ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
LONG = Digest.of(b"one", Algorithm.SHA512)
LATEST = Tag.parse("latest")
CURRENT = layout.tag_current(NAME, LATEST)
ABSENT = Precondition(absent=True)


@pytest.fixture
def tags(driver):
    return Tags(driver, NAME, swap=driver)


async def names(tags, after=""):
    return [tag async for tag in tags.list(after=after)]


async def put_if(tags, digest, precondition, tag=LATEST):
    guard = tags.guard(tag, precondition)
    await guard.look()
    await tags.put(tag, digest, guard=guard)


async def test_a_tag_remembers_the_digest_it_was_pushed_with(tags):
    await tags.put(LATEST, LONG)
    assert await tags.get(LATEST) == LONG


async def test_a_tag_is_written_before_its_history_in_two_calls(driver, tags):
    await tags.put(LATEST, ONE)
    assert driver.calls == [("put", CURRENT), ("put", layout.link(layout.tag_index(NAME, LATEST), ONE))]
    assert await driver.get(CURRENT) == ONE.encode()
    assert await driver.get(layout.link(layout.tag_index(NAME, LATEST), ONE)) == ONE.encode()


async def test_the_history_is_written_again_at_each_push(driver, tags):
    await tags.put(LATEST, ONE)
    await tags.put(LATEST, TWO)
    driver.calls.clear()
    await tags.put(LATEST, ONE)
    assert ("put", layout.link(layout.tag_index(NAME, LATEST), ONE)) in driver.calls


@pytest.mark.parametrize("content", [b"", b"sha256:", b"\xff\xfe", b"latest", ONE.encode() + b"\n"])
async def test_a_corrupt_tag_is_unknown_and_the_next_push_heals_it(driver, tags, content):
    await driver.put(CURRENT, content)
    with pytest.raises(ManifestUnknown):
        await tags.get(LATEST)
    await put_if(tags, ONE, ABSENT)
    assert await tags.get(LATEST) == ONE


async def test_tags_come_in_byte_order_and_pages_begin_after_any_text(tags):
    wanted = sorted(["1.0", "1.0-alpine", "1.0.1", "v2", "v2.1", "V2", "_x", "latest"])
    for tag in reversed(wanted):
        await tags.put(Tag.parse(tag), ONE)
    assert await names(tags) == wanted
    for after in [*wanted, "1.0-", "zzz", "W", "1.0.0"]:
        assert await names(tags, after) == [tag for tag in wanted if tag > after]


async def test_a_list_costs_one_call(driver, tags):
    for number in range(100):
        await tags.put(Tag.parse(f"v{number}"), ONE)
    driver.calls.clear()
    assert len(await names(tags)) == 100
    assert [call.verb for call in driver.calls] == ["list"]


async def test_an_unknown_repository_has_no_list_whatever_the_page(tags):
    for after in ("", "x"):
        with pytest.raises(NameUnknown):
            await names(tags, after)


async def test_a_folder_of_other_repositories_is_no_repository(driver, tags):
    await driver.put(f"{layout.repository(NAME)}/below/_manifests/tags/a/current/link", ONE.encode())
    await driver.put(f"{layout.repository(NAME)}/0/_layers/sha256/00/link", ONE.encode())
    with pytest.raises(NameUnknown):
        await names(tags)


@pytest.mark.parametrize("folder", ["_layers/sha256/00/link", "_manifests/revisions/sha256/00/link"])
async def test_a_repository_without_tags_has_an_empty_list(driver, tags, folder):
    await driver.put(f"{layout.repository(NAME)}/{folder}", ONE.encode())
    assert await names(tags) == []
    assert await names(tags, "x") == []


async def test_a_repository_whose_last_tag_was_deleted_has_an_empty_list(driver, tags):
    await driver.put(layout.link(layout.revisions(NAME), ONE), ONE.encode())
    await tags.put(LATEST, ONE)
    await tags.delete(LATEST)
    assert await names(tags) == []


async def test_deleting_a_tag_takes_its_history_first_and_leaves_others(driver, tags):
    await tags.put(LATEST, ONE)
    await tags.put(LATEST, TWO)
    await tags.put(Tag.parse("latest-1"), ONE)
    driver.calls.clear()
    await tags.delete(LATEST)
    assert driver.writes == [("delete_tree", layout.tag_index(NAME, LATEST)), ("delete", CURRENT)]
    assert await names(tags) == ["latest-1"]
    with pytest.raises(ManifestUnknown):
        await tags.get(LATEST)


async def test_deleting_an_unknown_tag_is_unknown(tags):
    with pytest.raises(ManifestUnknown):
        await tags.delete(LATEST)
    with pytest.raises(ManifestUnknown):
        await tags.delete(LATEST, precondition=Precondition(digests=frozenset({ONE})))
    with pytest.raises(ManifestUnknown):
        await tags.delete(LATEST, precondition=ABSENT)


@pytest.mark.parametrize("precondition", [None, Precondition(any=True)])
async def test_a_delete_that_crashed_can_be_repeated(driver, tags, precondition):
    await tags.put(LATEST, ONE)
    dying = WatchedDriver(driver.inner)
    dying.writes_left = 1
    with pytest.raises(Crashed):
        await Tags(dying, NAME, swap=dying).delete(LATEST, precondition=precondition)
    assert await tags.get(LATEST) == ONE
    await tags.delete(LATEST, precondition=precondition)
    assert [info async for info in driver.walk(layout.tag(NAME, LATEST))] == []


async def test_what_a_crashed_push_left_of_a_tag_is_removed_by_a_delete(driver, tags):
    await driver.put(layout.link(layout.tag_index(NAME, LATEST), ONE), ONE.encode())
    assert await names(tags) == ["latest"]
    with pytest.raises(ManifestUnknown):
        await tags.delete(LATEST)
    assert [info async for info in driver.walk(layout.tag(NAME, LATEST))] == []


@pytest.mark.parametrize(
    ("precondition", "found", "holds"),
    [
        (ABSENT, None, True),
        (ABSENT, ONE, False),
        (Precondition(any=True), None, False),
        (Precondition(any=True), ONE, True),
        (Precondition(digests=frozenset({ONE, TWO})), TWO, True),
        (Precondition(digests=frozenset({ONE})), TWO, False),
        (Precondition(digests=frozenset({ONE})), None, False),
        (Precondition(digests=frozenset()), ONE, False),
        (Precondition(digests=frozenset({ONE})), LONG, False),
        (Precondition(unlike=frozenset({ONE})), ONE, False),
        (Precondition(unlike=frozenset({ONE})), TWO, True),
        (Precondition(unlike=frozenset({ONE})), None, True),
        (Precondition(digests=frozenset({ONE}), unlike=frozenset({ONE})), ONE, False),
    ],
)
async def test_a_precondition_decides_put_and_delete_alike(tags, precondition, found, holds):
    if found is not None:
        await tags.put(LATEST, found)
    if holds:
        await put_if(tags, ONE, precondition)
        assert await tags.get(LATEST) == ONE
    else:
        with pytest.raises(PreconditionFailed):
            await put_if(tags, ONE, precondition)
    if found is None:
        return
    await tags.put(LATEST, found)
    if holds:
        await tags.delete(LATEST, precondition=precondition)
        with pytest.raises(ManifestUnknown):
            await tags.get(LATEST)
    else:
        with pytest.raises(PreconditionFailed):
            await tags.delete(LATEST, precondition=precondition)
        assert await tags.get(LATEST) == found


async def test_a_precondition_is_refused_where_nothing_can_be_promised(driver):
    tags = Tags(driver, NAME)
    with pytest.raises(Unsupported):
        tags.guard(LATEST, ABSENT)
    await tags.put(LATEST, ONE)
    with pytest.raises(Unsupported):
        await tags.delete(LATEST, precondition=Precondition(any=True))
    assert await tags.get(LATEST) == ONE


async def test_of_fifty_racing_creations_exactly_one_succeeds(driver):
    async def create(number):
        await put_if(Tags(driver, NAME, swap=driver), Digest.of(b"%d" % number), ABSENT)
        return number

    outcomes = await asyncio.gather(*(create(number) for number in range(50)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, PreconditionFailed) for outcome in outcomes) == 49
    assert await Tags(driver, NAME).get(LATEST) == Digest.of(b"%d" % winners[0])


async def test_read_modify_write_by_if_match_loses_no_update(driver):
    tags = Tags(driver, NAME, swap=driver)
    chain = [Digest.of(b"%d" % number) for number in range(21)]
    await tags.put(LATEST, chain[0])

    async def advance():
        done = 0
        while done < 5:
            seen = await tags.get(LATEST)
            try:
                await put_if(tags, chain[chain.index(seen) + 1], Precondition(digests=frozenset({seen})))
            except PreconditionFailed:
                continue
            done += 1

    await asyncio.gather(*(advance() for _ in range(4)))
    assert await tags.get(LATEST) == chain[20]


async def test_a_tag_that_moves_between_look_and_write_is_looked_at_again(driver, tags):
    await tags.put(LATEST, ONE)
    guard = tags.guard(LATEST, Precondition(any=True))
    await guard.look()
    await tags.put(LATEST, TWO)
    await tags.put(LATEST, ONE, guard=guard)
    assert await tags.get(LATEST) == ONE
    guard = tags.guard(LATEST, Precondition(digests=frozenset({ONE})))
    await guard.look()
    await tags.put(LATEST, TWO)
    with pytest.raises(PreconditionFailed):
        await tags.put(LATEST, LONG, guard=guard)
    assert await tags.get(LATEST) == TWO


async def test_a_tag_that_is_moved_without_end_is_not_waited_for_without_end(driver, tags):
    await tags.put(LATEST, ONE)

    async def always_first(call):
        if call.verb == "swap":
            raise Conflict(call.path)

    driver.before = always_first
    with pytest.raises(Unavailable):
        await put_if(tags, TWO, Precondition(any=True))


async def test_all_tags_of_a_digest_are_removed_and_no_others(driver, tags):
    for number in range(80):
        await tags.put(Tag.parse(f"v{number}"), (ONE, TWO, LONG)[number % 3])
    await tags.remove_those_of(frozenset({ONE, LONG}))
    assert await names(tags) == sorted(f"v{number}" for number in range(80) if number % 3 == 1)


async def test_a_tag_that_is_moved_while_those_of_a_digest_are_removed_stays(driver, tags):
    await tags.put(LATEST, ONE)

    async def move(call):
        if call.verb == "remove":
            driver.before = None
            await driver.inner.put(CURRENT, TWO.encode())

    driver.before = move
    await tags.remove_those_of(frozenset({ONE}))
    assert await tags.get(LATEST) == TWO


async def test_tags_of_a_digest_are_removed_where_there_is_no_compare_and_swap(driver):
    tags = Tags(driver, NAME)
    await tags.put(LATEST, ONE)
    await tags.put(Tag.parse("other"), TWO)
    await tags.remove_those_of(frozenset({ONE}))
    assert await names(tags) == ["other"]


async def test_removing_the_tags_of_a_digest_from_an_unknown_repository_does_nothing(driver, tags):
    await tags.remove_those_of(frozenset({ONE}))
    assert driver.writes == []


async def test_a_removed_tag_is_told_and_an_unknown_one_is_not(driver):
    heard = Heard()
    tags = Tags(driver, NAME, swap=driver, events=heard)
    await tags.put(LATEST, ONE)
    await tags.delete(LATEST)
    with pytest.raises(ManifestUnknown):
        await tags.delete(LATEST)
    assert heard.events == [Event(EventAction.DELETE, Subject.TAG, NAME, tag=LATEST)]
