"""What the Go registry, an older one, or an accident has left on the disk: served, passed over or healed, never a fault."""

import pytest

from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, ManifestUnknown
from app.oci.mediatype import OCTET_STREAM
from app.oci.reference import RepositoryName, Tag
from app.registry import layout
from drivers.errors import Unavailable
from drivers.filesystem import FilesystemDriver
from tests.support.domain import NAME, OTHER, push_blobs, push_image, start, tags_of
from tests.support.pushes import image

CONTENT = image(b"{}", b"layer")
DIGEST = Digest.of(CONTENT)
LATEST = Tag.parse("latest")


@pytest.fixture
async def driver(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        yield driver


def real(tmp_path, path):
    return tmp_path / path.removeprefix("/")


async def test_a_repository_as_the_go_registry_leaves_it_is_served(driver, tmp_path):
    """Tags without a history, sessions half-way, signatures, and links to manifests among the layers (2.1.0)."""
    folder = real(tmp_path, layout.repository(NAME))
    for content in (b"{}", b"layer", CONTENT):
        await driver.put(layout.blob_data(Digest.of(content)), content)
        await driver.put(layout.link(layout.layers(NAME), Digest.of(content)), Digest.of(content).encode())
    revision = layout.link(layout.revisions(NAME), DIGEST)
    await driver.put(revision, DIGEST.encode())
    await driver.put(f"{revision.removesuffix('/link')}/signatures/sha256/{'0' * 64}/link", b"sha256:" + b"0" * 64)
    await driver.put(layout.tag_current(NAME, LATEST), DIGEST.encode())
    session = folder / "_uploads" / "7b5a3c0e-0000-4000-8000-000000000000"
    (session / "hashstates" / "sha256").mkdir(parents=True)
    (session / "hashstates" / "sha256" / "0").write_bytes(b"state")
    (session / "startedat").write_text("2026-01-01T00:00:00Z")
    (session / "data").write_bytes(b"half")
    (real(tmp_path, layout.repository(OTHER)) / "_manifests" / "tags").mkdir(parents=True)
    (real(tmp_path, layout.repository(OTHER)) / "_layers").mkdir()

    namespace = await start(driver, look_back=True)
    repository = namespace.repository(NAME)
    assert [name async for name in namespace.catalog()] == [NAME, OTHER]
    assert await tags_of(repository) == ["latest"]
    assert await tags_of(namespace.repository(OTHER)) == []
    assert (await repository.manifests.get(LATEST)).manifest.raw == CONTENT
    assert await repository.blobs.get(Digest.of(b"layer")) == b"layer"
    assert [entry async for entry in repository.referrers.list(DIGEST)] == []
    await repository.manifests.delete(DIGEST)
    assert await tags_of(repository) == []
    with pytest.raises(ManifestUnknown):
        await repository.manifests.get(DIGEST)
    await push_image(repository, "latest", layers=[b"layer"])
    assert (await repository.manifests.get(LATEST)).manifest.raw == CONTENT
    assert (session / "data").read_bytes() == b"half"


@pytest.mark.parametrize("content", [b"", b"\0" * 71, b"sha256:", b"sha512:" + b"0" * 128, b"x" * 100_000])
async def test_a_broken_link_is_absence_wherever_it_is_and_a_push_heals_it(driver, content):
    repository = (await start(driver, look_back=True)).repository(NAME)
    await push_image(repository, "latest", layers=[b"layer"], algorithm=Algorithm.SHA512)
    long = Digest.of(CONTENT, Algorithm.SHA512)
    layer = Digest.of(b"layer")
    for path in (
        layout.link(layout.layers(NAME), layer),
        layout.link(layout.revisions(NAME), DIGEST),
        layout.link(layout.revisions(NAME), long),
        layout.tag_current(NAME, LATEST),
    ):
        await driver.put(path, content)
    repository = (await start(driver, look_back=True)).repository(NAME)
    for step in (repository.blobs.stat, repository.blobs.get, repository.blobs.open, repository.blobs.delete):
        with pytest.raises(BlobUnknown):
            await step(layer)
    for reference in (DIGEST, long, LATEST):
        for step in (repository.manifests.get, repository.manifests.resolve):
            with pytest.raises(ManifestUnknown):
                await step(reference)
    for digest in (DIGEST, long):
        with pytest.raises(ManifestUnknown):
            await repository.manifests.delete(digest)
    assert await tags_of(repository) == ["latest"]
    await push_image(repository, "latest", layers=[b"layer"], algorithm=Algorithm.SHA512)
    assert (await repository.manifests.get(LATEST)).digest == long
    assert await repository.blobs.get(layer) == b"layer"


async def test_a_folder_where_a_file_should_be_is_absence_when_it_is_read(driver, tmp_path):
    namespace = await start(driver, look_back=True)
    repository = namespace.repository(NAME)
    await push_blobs(repository, b"{}", b"layer")
    layer = Digest.of(b"layer")
    for path in (
        layout.link(layout.layers(NAME), layer),
        layout.link(layout.revisions(NAME), DIGEST),
        layout.tag_current(NAME, LATEST),
        layout.blob_data(Digest.of(b"other")),
    ):
        real(tmp_path, path).unlink(missing_ok=True)
        real(tmp_path, path).mkdir(parents=True)
    with pytest.raises(BlobUnknown):
        await repository.blobs.stat(layer)
    with pytest.raises(BlobUnknown):
        await repository.blobs.delete(layer)
    for step in (repository.manifests.get, repository.manifests.resolve, repository.tags.get, repository.tags.delete):
        with pytest.raises(ManifestUnknown):
            await step(LATEST)
    with pytest.raises(ManifestUnknown):
        await repository.manifests.delete(DIGEST)


async def test_strangers_beside_our_files_are_passed_over(driver, tmp_path):
    repositories = real(tmp_path, layout.REPOSITORIES)
    (repositories / "Upper" / "_manifests").mkdir(parents=True)
    (repositories / "README").write_text("x")
    (repositories / "team" / "lost+found").mkdir(parents=True)
    await driver.put(layout.tag_current(RepositoryName.parse("team/app"), LATEST), DIGEST.encode())
    (repositories / "team" / "app" / "_manifests" / "tags" / ".DS_Store").write_text("x")
    (repositories / "team" / "app" / "_layers").write_text("x")
    namespace = await start(driver)
    assert [name async for name in namespace.catalog()] == ["team/app"]
    assert await tags_of(namespace.repository(RepositoryName.parse("team/app"))) == ["latest"]
    with pytest.raises(BlobUnknown):
        await namespace.repository(RepositoryName.parse("team/app")).blobs.stat(DIGEST)


async def test_what_another_process_healed_is_served_by_those_that_remember_it_broken(driver):
    layer = Digest.of(b"layer")
    healing, remembering = (await start(driver)).repository(NAME), (await start(driver)).repository(NAME)
    await healing.blobs.put(b"layer", OCTET_STREAM)
    await driver.put(layout.blob_data(layer), b"lay")
    assert (await remembering.blobs.stat(layer)).size == 3
    await healing.blobs.put(b"layer", OCTET_STREAM)
    with pytest.raises(Unavailable, match="gave 5 bytes"):
        await remembering.blobs.get(layer)
    assert await remembering.blobs.get(layer) == b"layer"
