"""Two processes at one repository, switching before any driver call: what both leave behind holds together."""

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, ManifestUnknown
from app.oci.reference import Tag
from app.registry import layout
from drivers.memory import MemoryDriver
from tests.support.domain import NAME, OTHER, push_blobs, start, tags_of
from tests.support.interleaving import in_every_order
from tests.support.pushes import image
from tests.support.watched import WatchedDriver

LATEST = Tag.parse("latest")
OLD, NEW = image(b"{}", b"layer"), image(b"{}")
LONG = Digest.of(OLD, Algorithm.SHA512)


async def race(first, second, *, before, after, names=(NAME, NAME)):
    """Run *first* and *second* in every order; *before* prepares a repository, *after* looks at what came of it."""

    async def run(turns):
        driver = WatchedDriver(MemoryDriver())
        await before((await start(driver)).repository(NAME))
        one, two = [(await start(driver, look_back=True)).repository(name) for name in names]
        driver.before = turns.before
        outcomes = await turns.run(lambda: first(one), lambda: second(two))
        driver.before = None
        await after(turns.schedule, (await start(driver)).repository(NAME), driver, outcomes)

    await in_every_order(run)


async def with_blobs(repository):
    await push_blobs(repository, b"{}", b"layer")


async def with_old(repository):
    await with_blobs(repository)
    await repository.manifests.put(OLD, "", tags=[LATEST])


def put(content, *tags, digest=None):
    return lambda repository: repository.manifests.put(content, "", tags=tags, digest=digest)


def delete(digest):
    return lambda repository: repository.manifests.delete(digest)


async def untag(repository):
    await repository.tags.delete(LATEST)


async def check(schedule, repository, driver, outcomes):
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, ManifestUnknown), (schedule, outcome)
    for tag in await tags_of(repository):
        try:
            await repository.manifests.get(Tag.parse(tag))
        except ManifestUnknown:
            paths = [file.path async for file in driver.inner.walk(layout.repository(NAME))]
            raise AssertionError(f"{schedule}: {tag} is listed and leads nowhere: {paths}") from None


@pytest.mark.parametrize("again", [OLD, NEW])
async def test_a_tag_pushed_while_it_is_deleted_is_there_or_not_listed(again):
    await race(put(again, LATEST), untag, before=with_old, after=check)
    await race(untag, put(again, LATEST), before=with_old, after=check)


@pytest.mark.parametrize("digest", [Digest.of(OLD), LONG])
async def test_a_manifest_pushed_by_tag_while_it_is_deleted_leaves_no_tag_that_leads_nowhere(digest):
    await race(put(OLD, LATEST), delete(digest), before=with_old, after=check)
    await race(delete(digest), put(OLD, LATEST), before=with_old, after=check)
    await race(put(OLD, LATEST, digest=LONG), delete(digest), before=with_old, after=check)


async def test_a_delete_that_finds_nothing_takes_nothing_of_a_push_that_came_meanwhile():
    async def pushed_and_not_deleted(schedule, repository, driver, outcomes):
        await check(schedule, repository, driver, outcomes)
        if outcomes[1] is not None:
            assert await tags_of(repository) == ["latest"], schedule
            assert (await repository.manifests.get(LONG)).manifest.raw == OLD, schedule

    await race(put(OLD, LATEST, digest=LONG), delete(LONG), before=with_blobs, after=pushed_and_not_deleted)


async def test_a_manifest_deleted_while_its_tag_moves_takes_only_tags_of_its_own():
    async def moved(schedule, repository, driver, outcomes):
        await check(schedule, repository, driver, outcomes)
        assert (await repository.manifests.get(LATEST)).manifest.raw == NEW, schedule

    await race(put(NEW, LATEST), delete(Digest.of(OLD)), before=with_old, after=moved)


async def test_a_tag_that_moves_from_a_manifest_that_is_then_deleted_can_be_pulled_all_the_time():
    async def both(repository):
        await repository.manifests.put(NEW, "", tags=[LATEST])
        await repository.manifests.delete(Digest.of(OLD))

    async def pull(repository):
        await repository.manifests.get(LATEST)

    async def pulled(schedule, repository, driver, outcomes):
        assert outcomes == [None, None], schedule

    await race(both, pull, before=with_old, after=pulled)
    await race(pull, both, before=with_old, after=pulled)


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_a_blob_mounted_while_its_source_is_deleted_is_there_or_was_refused(algorithm):
    digest = Digest.of(b"layer", algorithm)

    async def with_layer(repository):
        await repository.blobs.put(b"layer", "")
        await repository.blobs.link(await repository.blobs.stat(Digest.of(b"layer")), digest)

    async def there(schedule, repository, driver, outcomes):
        other = (await start(driver)).repository(OTHER)
        if outcomes[0] is None:
            assert await other.blobs.get(digest) == b"layer", schedule
        else:
            assert isinstance(outcomes[0], BlobUnknown), (schedule, outcomes)
        assert outcomes[1] is None, (schedule, outcomes)
        for name in (digest, Digest.of(b"layer")):
            with pytest.raises(BlobUnknown):
                await repository.blobs.stat(name)

    await race(
        lambda other: other.blobs.mount(NAME, digest),
        lambda repository: repository.blobs.delete(digest),
        before=with_layer,
        after=there,
        names=(OTHER, NAME),
    )


async def test_of_two_deletes_at_once_none_fails_otherwise_than_by_absence():
    await race(delete(Digest.of(OLD)), delete(Digest.of(OLD)), before=with_old, after=check)
    await race(delete(Digest.of(OLD)), untag, before=with_old, after=check)
    await race(untag, untag, before=with_old, after=check)


async def test_processes_that_start_first_at_once_agree():
    async def run(turns):
        driver = WatchedDriver(MemoryDriver())
        driver.before = turns.before
        assert await turns.run(lambda: start(driver), lambda: start(driver)) == [None, None]

    await in_every_order(run, most=10, switches=2)
