"""Marks of content: a hash of small files, a stamp of files that were streamed and are not read again for it."""

from __future__ import annotations

import hashlib
import os
from typing import Final

from drivers.contract import Version

_STAMP: Final = "stamp"
_CHUNK: Final = 1 << 20


def of_content(content: bytes) -> Version:
    """Return the mark of *content*."""
    return Version(hashlib.sha256(content).hexdigest())


def stamp(descriptor: int, now: int) -> Version:
    """Mark an open, complete file without reading it.

    Its modification time is set to *now*, in nanoseconds, because the system's own has the grain of a timer tick; an
    inode is not used again within one nanosecond.
    """
    os.utime(descriptor, ns=(now, now))
    return _stamp(os.fstat(descriptor))


def matches(descriptor: int, version: Version) -> bool:
    """Tell whether the open file still is *version*."""
    if version.startswith(_STAMP):
        return _stamp(os.fstat(descriptor)) == version
    hasher = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, _CHUNK, offset):
        hasher.update(chunk)
        offset += len(chunk)
    return hasher.hexdigest() == version


def _stamp(status: os.stat_result) -> Version:
    return Version(f"{_STAMP}-{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}")
