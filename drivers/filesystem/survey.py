"""Everything about a disk that the registry has to do with, tried out: for an operator. Calls block."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drivers.filesystem import faults, mounts
from drivers.finding import Finding
from drivers.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOM: Final = 1 << 30
_GIB: Final = 1 << 30
_INODES: Final = 10_000


def survey(root: Path | str, *, scratch: str = "/moorage/v1/tmp") -> Iterator[Finding]:
    """Yield what the disk that *root* is on can do. What is written lies in *scratch* and is removed.

    Raises:
        Unavailable: *root* can't be made or entered.
    """
    with faults.writing(ROOT):
        made = _make(Path(root))
        real = Path(os.path.realpath(root, strict=True))
        room = os.statvfs(real)
    try:
        yield _kind(real)
        free, size = (blocks * room.f_frsize / _GIB for blocks in (room.f_bavail, room.f_blocks))
        scarce = free * _GIB < _ROOM or (room.f_files > 0 and room.f_favail < _INODES)
        yield Finding(
            f"has room ({free:.1f} GiB of {size:.1f}, {room.f_favail} more files)",
            not scarce,
            "pushes will soon fail" if scarce else "pushes can be stored",
        )
        yield from _files(Path(f"{real}{scratch}"), made)
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # somebody has begun to use it
                folder.rmdir()


def _kind(root: Path) -> Finding:
    kind = mounts.filesystem_type(str(root), mounts.read_mounts())
    network = mounts.is_network(kind)
    return Finding(
        f"is on a disk of this host ({kind or 'nobody knows which'})",
        not network,
        "it serves the processes of one host; use S3 for several"
        if network
        else "any number of processes may serve it",
    )


def _files(scratch: Path, made: list[Path]) -> Iterator[Finding]:
    folder = scratch / f"probe-{secrets.token_hex(12)}"
    try:
        made += _make(folder.parent)
        folder.mkdir()
    except OSError as error:
        yield Finding("write a file", holds=False, follows=f"nothing can be pushed ({_reason(error)})", needed=True)
        return
    try:
        yield _tried("write a file", lambda: _write(folder), "pushes can be stored", "nothing can be pushed")
        yield _tried(
            "rename a file over another",
            lambda: _rename(folder),
            "whoever reads sees the old content or the new",
            "files can't be replaced while somebody reads",
        )
        yield _tried(
            "link a file to a name that must be free",
            lambda: _link(folder),
            "of two creators one wins",
            "uploads can't be recorded",
        )
        yield _tried(
            "lock a file against others (flock)",
            lambda: _lock(folder),
            "two requests never write to one upload",
            "two requests may write to one upload",
        )
        yield _tried(
            "sync a file and its folder",
            lambda: _sync(folder),
            "what was acknowledged survives a power cut",
            "a power cut may take what was acknowledged",
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(what: str, trial: Callable[[], bool], yes: str, no: str) -> Finding:
    try:
        holds, reason = trial(), ""
    except OSError as error:
        holds, reason = False, f" ({_reason(error)})"
    return Finding(what, holds, yes if holds else f"{no}{reason}", needed=True)


def _write(folder: Path) -> bool:
    (folder / "a").write_bytes(b"a")
    return (folder / "a").read_bytes() == b"a"


def _rename(folder: Path) -> bool:
    (folder / "b").write_bytes(b"b")
    with (folder / "a").open("rb") as old:
        (folder / "b").replace(folder / "a")
        return (old.read(), (folder / "a").read_bytes()) == (b"a", b"b")


def _link(folder: Path) -> bool:
    (folder / "c").hardlink_to(folder / "a")
    try:
        (folder / "c").hardlink_to(folder / "a")
    except FileExistsError:
        return True
    return False


def _lock(folder: Path) -> bool:
    with (folder / "a").open("rb") as mine, (folder / "a").open("rb") as other:
        fcntl.flock(mine, fcntl.LOCK_EX)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _sync(folder: Path) -> bool:
    for path in (folder / "a", folder):
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    return True


def _make(folder: Path) -> list[Path]:
    """Make *folder* and what is above it; return what was missing, from the top."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
