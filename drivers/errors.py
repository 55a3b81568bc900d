"""What a driver may raise. Nothing else leaves a driver.

DriverError
  PathNotFound    definitely absent: only ENOENT, a 404 or NoSuchKey may become this
  InvalidPath     the path breaks the grammar of `drivers/paths.py`
  InvalidOffset   a negative offset
  Conflict        a compare-and-swap lost: the file is not as the caller believed
  Busy            a lock is held by somebody else and was not given back in time
  Unavailable     the backend failed, refused or timed out; trying again later may help
"""

from __future__ import annotations


class DriverError(Exception):
    """Root of all that a driver raises."""


class PathNotFound(DriverError):
    """There is no file (or nothing below a folder) at this path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"path not found: {path}")
        self.path = path


class InvalidPath(DriverError):
    """The path breaks the grammar."""

    def __init__(self, path: str) -> None:
        super().__init__(f"invalid path: {path!r}")
        self.path = path


class InvalidOffset(DriverError):
    """The offset is negative."""

    def __init__(self, path: str, offset: int) -> None:
        super().__init__(f"invalid offset {offset} for {path}")
        self.path = path
        self.offset = offset


class Conflict(DriverError):
    """The file at this path is not as the caller believed, or exists where it should be created."""

    def __init__(self, path: str) -> None:
        super().__init__(f"conflict: {path}")
        self.path = path


class Busy(DriverError):
    """Somebody else holds the lock on this path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"locked by another request: {path}")
        self.path = path


class Unavailable(DriverError):
    """The backend failed, refused or timed out.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    def __init__(self, reason: str, *, retry_after: float = 5.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
