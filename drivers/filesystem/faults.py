"""What an errno means. Absence is ENOENT and ENOTDIR, or a folder where a file is asked for; all else is a failure."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from drivers.errors import DriverError, InvalidPath, PathNotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})

_IN_THE_WAY: Final = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST})


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what the system says about reading *path* into what the contract says."""
    try:
        yield
    except OSError as error:
        raise read_fault(error, path) from error


@contextmanager
def writing(path: str) -> Iterator[None]:
    """The same for writing, where an absent folder is the backend's failure and not the caller's."""
    try:
        yield
    except OSError as error:
        raise write_fault(error, path) from error


def read_fault(error: OSError, path: str) -> DriverError:
    """Return the error to raise when reading *path* failed."""
    if error.errno in ABSENT:
        return PathNotFound(path)
    return write_fault(error, path)


def write_fault(error: OSError, path: str) -> DriverError:
    """Return the error to raise when writing *path* failed."""
    if error.errno == errno.ENAMETOOLONG:
        return InvalidPath(path)
    if error.errno in _IN_THE_WAY:
        return Unavailable(f"{path}: a file stands where a folder should, or a folder where the file should")
    return Unavailable(f"{path}: {error.strerror or error}")
