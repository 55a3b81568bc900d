"""Sessions on a disk that fills up, fails or may only be read: what was acknowledged goes on or is refused, never bent."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from app.oci.digest import Digest
from app.oci.errors import BlobUnknown, BlobUploadUnknown
from drivers.errors import Unavailable
from drivers.filesystem import FilesystemDriver
from tests.support.uploading import Site, Sort

MIB = 1 << 20
CONTENT = os.urandom(MIB // 2)
DIGEST = Digest.of(CONTENT)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two mebibytes."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a tmpfs here: {error}")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def fill(path, *, but):
    """Fill the disk with the file *path*, but for some bytes."""
    free = shutil.disk_usage(path.parent).free
    path.write_bytes(bytes(free - but))


async def test_a_disk_that_was_full_for_a_while_costs_a_push_only_the_requests_it_refused(small_disk):
    async with FilesystemDriver(small_disk / "root", fsync=False) as driver:
        process = Site(Sort.DISK, driver).process()
        session = await process.patch(process.blobs.begin(), CONTENT[: MIB // 4])
        filler = small_disk / "filler"
        fill(filler, but=32 * 1024)
        with pytest.raises(Unavailable, match="No space"):
            await process.patch(session, CONTENT[MIB // 4 :])
        with pytest.raises(Unavailable, match="No space"):
            await process.close(session, DIGEST, CONTENT[MIB // 4 :])
        with pytest.raises(Unavailable, match="No space"):
            async with process.blobs.create(DIGEST) as writer:
                await writer.write(CONTENT)
        with pytest.raises(BlobUnknown):
            await process.blobs.stat(DIGEST)
        assert (await process.blobs.status(session)).offset == MIB // 4

        filler.unlink()
        session = await process.patch(session, CONTENT[MIB // 4 :])
        await process.close(session, DIGEST)
        assert await process.blobs.get(DIGEST) == CONTENT
        assert os.listdir(small_disk / "root/moorage/v1/tmp") == ["locks"]


async def test_bytes_that_a_failing_disk_has_lost_are_not_published_when_the_client_tries_again(tmp_path, monkeypatch):
    real, told = os.fsync, []

    def lost_once(descriptor):
        if not told and "/pieces/" in os.readlink(f"/proc/self/fd/{descriptor}"):
            told.append(descriptor)
            raise OSError(5, "Input/output error")
        real(descriptor)

    async with FilesystemDriver(tmp_path) as driver:
        process = Site(Sort.DISK, driver).process()
        session = await process.patch(process.blobs.begin(), CONTENT)
        monkeypatch.setattr(os, "fsync", lost_once)
        with pytest.raises(Unavailable, match="Input/output error"):
            await process.close(session, DIGEST)
        with pytest.raises(BlobUploadUnknown):
            await process.close(session, DIGEST)
        with pytest.raises(BlobUnknown):
            await process.blobs.stat(DIGEST)
        await process.close(process.blobs.begin(), DIGEST, CONTENT)
        assert await process.blobs.get(DIGEST) == CONTENT


async def test_a_clock_that_was_set_back_ends_no_session(tmp_path):
    async with FilesystemDriver(tmp_path, fsync=False) as driver:
        site = Site(Sort.DISK, driver)
        process = site.process()
        session = await process.patch(process.blobs.begin(), CONTENT)
        site.now = site.now.replace(year=1970)
        await site.process().close(session, DIGEST)
        assert await process.blobs.get(DIGEST) == CONTENT
