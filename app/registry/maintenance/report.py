"""What a purge has done, as a value that adds up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was left as it is, because it could not be read or removed."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was removed; of a dry run, what would have been.

    Attributes:
        sessions: upload sessions that were ended, ours and the Go registry's.
        files: files of theirs, and those that still told of the end of earlier ones,
        bytes: and how long they were.
        multipart: unfinished multipart uploads that were aborted.
        skipped: what was left because of an error.
    """

    sessions: int = 0
    files: int = 0
    bytes: int = 0
    multipart: int = 0
    skipped: tuple[Skipped, ...] = ()

    def sentence(self, *, dry: bool) -> str:
        """Say it in a few words."""
        done = "would remove" if dry else "removed"
        said = f"{done} {_counted(self.sessions, 'session')}: {_counted(self.files, 'file')}, {self.bytes} bytes"
        return f"{said}; {_counted(self.multipart, 'multipart upload')}" if self.multipart else said

    def __add__(self, other: Report) -> Report:
        """Both together."""
        return Report(
            self.sessions + other.sessions,
            self.files + other.files,
            self.bytes + other.bytes,
            self.multipart + other.multipart,
            self.skipped + other.skipped,
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
