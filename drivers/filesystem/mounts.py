"""Which kind of file system a folder is on, and whether other hosts may be behind it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")

# fmt: off
_NETWORK: Final = frozenset((
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "fakeowner", "gfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "smb2", "smb3", "smbfs", "virtiofs", "vboxsf", "vmhgfs",
    "wekafs",
))
# fmt: on
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def filesystem_type(folder: str, mounts: str) -> str:
    """Return the type of the mount that *folder*, an absolute path without links, is on; empty if none is listed.

    Args:
        folder: the folder asked about.
        mounts: the text of ``/proc/self/mountinfo`` (proc(5)).
    """
    best, found = "", ""
    for line in mounts.splitlines():
        before, _, behind = line.partition(" - ")
        fields = before.split(" ")
        if not behind or len(fields) < 5:  # noqa: PLR2004 - the fifth field is the mount point
            continue
        point = _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = folder == point or folder.startswith(point if point == "/" else f"{point}/")
        if inside and len(point) >= len(best):  # of two on one point the later hides the earlier
            best, found = point, behind.split(" ")[0]
    return found


def is_network(kind: str) -> bool:
    """Tell whether calls on this type may cross a network; a FUSE file system may do anything, so it counts as one."""
    return kind in _NETWORK or kind == "fuse" or kind.startswith("fuse.")


def read_mounts(source: Path = MOUNTS) -> str:
    """Return the table of mounts; empty where there is none."""
    try:
        return source.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
