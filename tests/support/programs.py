"""Other programs: the clients that tests drive, and Moorage itself as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
_TOOLS = ROOT / "tests" / "e2e" / "tools.txt"
_START = 30.0  # seconds until a server that says nothing counts as failed


def find(name: str) -> str:
    """Return the path of a program that `.ci/gotools` built, or of one that is installed.

    Raises:
        FileNotFoundError: there is none; the message says how to get it.
    """
    rows = [line.split() for line in _TOOLS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    versions = {row[0]: row[2] for row in rows}
    if name in versions:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        path = home / "moorage-tools" / f"{name}-{versions[name]}" / name
        if path.exists():
            return str(path)
        raise FileNotFoundError(f"{name} is not built; `.ci/gotools {name}` builds it")
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def needed(name: str) -> None:
    """Skip what is running, and say why, where there is no such program."""
    try:
        find(name)
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


def run(name: str, *arguments: str, cwd: Path | None = None, seconds: float = 100, **environment: str) -> str:
    """Run a client to its end and return what it printed.

    Raises:
        AssertionError: it failed; with all that it printed.
    """
    done = subprocess.run(
        [find(name), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"{name} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Server:
    """Moorage, running.

    Attributes:
        address: ``host:port``.
        lines: what it logged so far, as JSON values.
        killed: set when it was.
    """

    address: str
    process: subprocess.Popen[str]
    lines: list[dict[str, Any]]
    killed: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """The port alone."""
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.killed.set()
        self.process.kill()
        self.process.wait()

    def failures(self, lines: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Those of all or some *lines* that tell of an error, or of an answer that no client may get."""
        return [
            line
            for line in (self.lines if lines is None else lines)
            if line["level"] == "error" or int(line.get("http.response.status", 0)) in {429, *range(500, 600)}
        ]

    def memory(self, row: str) -> int:
        """A row of /proc/PID/status in KiB: ``VmHWM`` is the most it ever held, ``VmRSS`` what it holds."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{row}:"))


@contextmanager
def moorage(root: Path, settings: Mapping[str, Any] | None = None) -> Iterator[Server]:
    """Serve *root* from a process of its own on a free port. *settings* are sections of the configuration.

    Raises:
        AssertionError: it did not start, or it did not end in good order.
    """
    root.mkdir(parents=True, exist_ok=True)
    config = {
        "version": "0.1",
        "log": {"formatter": "json"},
        "http": {"addr": "127.0.0.1:0"},
        "storage": {"filesystem": {"rootdirectory": str(root / "data")}, "delete": {"enabled": True}},
        **(settings or {}),
    }
    path = root / "config.yml"
    path.write_text(yaml.safe_dump(config))
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", str(path)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")},
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[dict[str, Any]] = []
    listening, killed = threading.Event(), threading.Event()
    reader = threading.Thread(target=_collect, args=(process, lines, listening))
    reader.start()
    try:
        if not listening.wait(_START) or not _addresses(lines):
            raise AssertionError(f"the server did not start: {lines}")
        yield Server(_addresses(lines)[0], process, lines, killed)
    finally:
        process.terminate()
        try:
            code = process.wait(timeout=60)
        finally:
            process.kill()
            reader.join()
            if process.stderr is not None:
                process.stderr.close()
    if code != 0 and not killed.is_set():
        raise AssertionError(f"the server ended with {code}: {lines[-5:]}")


def _collect(process: subprocess.Popen[str], lines: list[dict[str, Any]], listening: threading.Event) -> None:
    """Read the log to its end, so that the pipe never fills."""
    for line in process.stderr or ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            lines.append({"level": "error", "msg": line.rstrip()})
        if lines[-1].get("msg", "").startswith("listening on "):
            listening.set()
    listening.set()


def _addresses(lines: list[dict[str, Any]]) -> list[str]:
    begin = "listening on "
    return [line["msg"].removeprefix(begin) for line in lines if line.get("msg", "").startswith(begin)]
