"""Storage steps: every call by which this process changes a folder, seen one by one.

`Steps` stands between the `os` module and the code under test. It can end the process at a chosen step, as
`kill -9` would, or record all of them, with what was synced when, for `tests/support/powercut.py` to replay.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Step:
    """One change below the root.

    Attributes:
        verb: create, write, truncate, fsync, syncdir, mkdir, rmdir, rename, link, unlink; or ``ack``, a mark of the test.
        path: relative to the root; of a file that is open, the number of its inode.
        target: the second path of rename and link, or the mark.
        data: the bytes of a write.
        size: the offset of a write, the length of a truncation.
    """

    verb: str
    path: str
    target: str = ""
    data: bytes = b""
    size: int = 0


@dataclass
class Steps:
    """Watches the changes below *root*.

    Args:
        root: the folder that counts.
        die_at: end this process by SIGKILL at that step, counted from 1; 0: never.
        after: whether the step still happens before the end.
    """

    root: str
    die_at: int = 0
    after: bool = False
    seen: list[Step] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _files: dict[int, str] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[Steps]:
        """Watch while the block runs."""
        originals = {name: getattr(os, name) for name in _WATCHED}
        try:
            for name, original in originals.items():
                setattr(os, name, getattr(self, f"_{name}")(original))
            yield self
        finally:
            for name, original in originals.items():
                setattr(os, name, original)

    def acknowledge(self, mark: str) -> None:
        """Record that the test was told of a success."""
        with self._lock:
            self.seen.append(Step("ack", "", mark))

    def _inside(self, path: Any) -> str | None:
        if not isinstance(path, str | os.PathLike):
            return None
        text = os.fspath(path)
        return os.path.relpath(text, self.root) if text == self.root or text.startswith(f"{self.root}/") else None

    def _step(self, step: Step, do: Callable[[], Any]) -> Any:
        with self._lock:
            number = sum(1 for old in self.seen if old.verb != "ack") + 1 if self.die_at else 0
            if self.die_at and number == self.die_at:
                if self.after:
                    do()
                os.kill(os.getpid(), signal.SIGKILL)
            result = do()
            self.seen.append(step)
            return result

    def _open(self, original: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            inside = self._inside(path)
            if inside is None:
                return original(path, flags, *rest, **named)
            with self._lock:
                new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
                if new:
                    number = ""

                    def do() -> int:
                        nonlocal number
                        descriptor = original(path, flags, *rest, **named)
                        number = str(os.fstat(descriptor).st_ino)
                        return descriptor

                    descriptor: int = self._step(Step("create", inside), do)
                    self.seen[-1] = Step("create", inside, number)
                else:
                    descriptor = original(path, flags, *rest, **named)
                status = os.fstat(descriptor)
                is_dir = os.path.isdir(path)
                self._files[descriptor] = inside if is_dir else str(status.st_ino)
                if flags & os.O_TRUNC and not new:
                    self.seen.append(Step("truncate", self._files[descriptor]))
                return descriptor

        return call

    def _close(self, original: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            with self._lock:
                self._files.pop(descriptor, None)
                original(descriptor)

        return call

    def _write(self, original: Callable[..., int]) -> Callable[..., int]:
        def call(descriptor: int, data: Any) -> int:
            if descriptor not in self._files:
                return original(descriptor, data)
            with self._lock:
                append = _appends(descriptor)
                at = os.fstat(descriptor).st_size if append else os.lseek(descriptor, 0, os.SEEK_CUR)
                done: int = self._step(
                    Step("write", self._files[descriptor], data=bytes(data), size=at),
                    lambda: original(descriptor, data),
                )
                self.seen[-1] = Step("write", self._files[descriptor], data=bytes(data)[:done], size=at)
                return done

        return call

    def _pwrite(self, original: Callable[..., int]) -> Callable[..., int]:
        def call(descriptor: int, data: Any, offset: int) -> int:
            if descriptor not in self._files:
                return original(descriptor, data, offset)
            step = Step("write", self._files[descriptor], data=bytes(data), size=offset)
            done: int = self._step(step, lambda: original(descriptor, data, offset))
            return done

        return call

    def _ftruncate(self, original: Callable[..., None]) -> Callable[..., None]:
        def call(descriptor: int, size: int) -> None:
            if descriptor not in self._files:
                original(descriptor, size)
                return
            step = Step("truncate", self._files[descriptor], size=size)
            self._step(step, lambda: original(descriptor, size))

        return call

    def _fsync(self, original: Callable[[int], None]) -> Callable[[int], None]:
        def call(descriptor: int) -> None:
            what = self._files.get(descriptor)
            if what is None:
                original(descriptor)
                return
            verb = "fsync" if what.isdigit() else "syncdir"
            self._step(Step(verb, what), lambda: original(descriptor))

        return call

    def _single(self, verb: str, original: Callable[..., None]) -> Callable[..., None]:
        def call(path: Any, *rest: Any, **named: Any) -> None:
            inside = self._inside(path)
            if inside is None:
                original(path, *rest, **named)
            else:
                self._step(Step(verb, inside), lambda: original(path, *rest, **named))

        return call

    def _double(self, verb: str, original: Callable[..., None]) -> Callable[..., None]:
        def call(source: Any, target: Any, **named: Any) -> None:
            inside, beside = self._inside(source), self._inside(target)
            if inside is None or beside is None:
                original(source, target, **named)
            else:
                self._step(Step(verb, inside, beside), lambda: original(source, target, **named))

        return call

    def _mkdir(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._single("mkdir", original)

    def _rmdir(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._single("rmdir", original)

    def _unlink(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._single("unlink", original)

    def _remove(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._single("unlink", original)

    def _rename(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._double("rename", original)

    def _replace(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._double("rename", original)

    def _link(self, original: Callable[..., None]) -> Callable[..., None]:
        return self._double("link", original)


_WATCHED: Final = (
    "open",
    "close",
    "write",
    "pwrite",
    "ftruncate",
    "fsync",
    "mkdir",
    "rmdir",
    "unlink",
    "remove",
    "rename",
    "replace",
    "link",
)


def _appends(descriptor: int) -> bool:
    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND)
