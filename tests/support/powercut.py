"""What a disk may hold after a power cut: recorded steps replayed, less what was not synced.

The model is a pessimist: the bytes of a file survive only as of its last fsync, a name only as of the last
fsync of its folder. A kind disk may keep more, so there are three outcomes of one moment, see `Outcome`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.steps import Step


class Outcome(Enum):
    """Which of the unsynced changes the disk kept."""

    NOTHING = "neither names nor bytes that were not synced"
    NAMES = "all names, but only synced bytes"
    EVERYTHING = "all of it, as after kill -9"


@dataclass
class _File:
    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


@dataclass
class _Folder:
    now: dict[str, _Folder | _File] = field(default_factory=dict)
    synced: dict[str, _Folder | _File] = field(default_factory=dict)


class Disk:
    """A folder in memory that knows what of it is durable."""

    def __init__(self, root: str) -> None:
        """Begin with the folder *root* as it is, all of it durable."""
        self._root = _load(root)
        self._inodes: dict[str, _File] = {}
        _number(root, self._root, self._inodes)

    def apply(self, steps: Sequence[Step]) -> None:
        """Let *steps* happen."""
        for step in steps:
            if step.verb != "ack":
                getattr(self, f"_{step.verb}")(step)

    def write_to(self, target: str, outcome: Outcome) -> None:
        """Write what is left after a power cut into the folder *target*."""
        _dump(self._root, target, outcome)

    def _find(self, path: str) -> tuple[_Folder, str]:
        folder = self._root
        *above, name = path.split("/")
        for part in above:
            below = folder.now[part]
            if not isinstance(below, _Folder):
                raise TypeError(f"{path}: {part} is a file")
            folder = below
        return folder, name

    def _create(self, step: Step) -> None:
        folder, name = self._find(step.path)
        file = _File()
        self._inodes[step.target] = file
        folder.now[name] = file

    def _write(self, step: Step) -> None:
        now = self._inodes[step.path].now
        if len(now) < step.size:
            now.extend(bytes(step.size - len(now)))
        now[step.size : step.size + len(step.data)] = step.data

    def _truncate(self, step: Step) -> None:
        now = self._inodes[step.path].now
        del now[step.size :]
        now.extend(bytes(step.size - len(now)))

    def _fsync(self, step: Step) -> None:
        file = self._inodes[step.path]
        file.synced = bytes(file.now)

    def _syncdir(self, step: Step) -> None:
        folder: _Folder | _File = self._root
        if step.path != ".":
            above, name = self._find(step.path)
            folder = above.now[name]
        if not isinstance(folder, _Folder):
            raise TypeError(f"{step.path} is a file")
        folder.synced = dict(folder.now)

    def _mkdir(self, step: Step) -> None:
        folder, name = self._find(step.path)
        folder.now[name] = _Folder()

    def _rmdir(self, step: Step) -> None:
        folder, name = self._find(step.path)
        del folder.now[name]

    _unlink = _rmdir

    def _rename(self, step: Step) -> None:
        source, old = self._find(step.path)
        target, new = self._find(step.target)
        target.now[new] = source.now.pop(old)

    def _link(self, step: Step) -> None:
        source, old = self._find(step.path)
        target, new = self._find(step.target)
        target.now[new] = source.now[old]


def _load(path: str) -> _Folder:
    folder = _Folder()
    for entry in os.scandir(path):
        if entry.is_dir():
            folder.now[entry.name] = _load(entry.path)
        else:
            with open(entry.path, "rb") as file:
                content = file.read()
            folder.now[entry.name] = _File(bytearray(content), content)
    folder.synced = dict(folder.now)
    return folder


def _number(path: str, folder: _Folder, inodes: dict[str, _File]) -> None:
    for name, below in folder.now.items():
        if isinstance(below, _Folder):
            _number(f"{path}/{name}", below, inodes)
        else:
            inodes[str(os.stat(f"{path}/{name}").st_ino)] = below


def _dump(folder: _Folder, target: str, outcome: Outcome) -> None:
    os.makedirs(target, exist_ok=True)
    entries = folder.synced if outcome is Outcome.NOTHING else folder.now
    for name, below in entries.items():
        if isinstance(below, _Folder):
            _dump(below, f"{target}/{name}", outcome)
        else:
            with open(f"{target}/{name}", "wb") as file:
                file.write(below.now if outcome is Outcome.EVERYTHING else below.synced)
