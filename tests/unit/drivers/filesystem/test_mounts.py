from __future__ import annotations

import pytest

from drivers.filesystem import FilesystemDriver
from drivers.filesystem.mounts import filesystem_type, is_network, read_mounts

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:22 / /srv rw shared:3 - nfs4 server:/export rw
26 25 0:23 / /srv/local rw - xfs /dev/sdb rw
27 22 0:24 / /mnt/a\\040b rw shared:5 master:2 - fuse.sshfs host:/ rw
28 22 0:25 / /over rw - tmpfs tmpfs rw
29 22 0:26 / /over rw - ceph mon:/ rw
a line that is broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/registry", "nfs4"),
        ("/srvs", "ext4"),
        ("/srv/local/registry", "xfs"),
        ("/mnt/a b/registry", "fuse.sshfs"),
        ("/over/x", "ceph"),
    ],
)
def test_the_innermost_and_latest_mount_counts(folder, kind):
    assert filesystem_type(folder, TABLE) == kind


def test_without_a_table_nothing_is_known(tmp_path):
    assert read_mounts(tmp_path / "absent") == ""
    assert filesystem_type("/srv", "") == ""


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.s3fs", "9p", "ceph", "lustre", "glusterfs", "virtiofs"]
)
def test_a_network_is_known_by_its_type(kind):
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "f2fs", ""])
def test_a_local_disk_is_no_network(kind):
    assert not is_network(kind)


async def test_a_driver_on_a_network_warns_and_one_on_a_disk_does_not(tmp_path):
    async with FilesystemDriver(tmp_path, mounted="25 22 0:22 / / rw - nfs4 server:/export rw\n") as driver:
        assert len(driver.warnings) == 1
        assert "nfs4" in driver.warnings[0]
        assert "one host" in driver.warnings[0]
    async with FilesystemDriver(tmp_path, mounted=TABLE) as driver:
        assert driver.warnings == ()
