"""The Go registry as a process of its own: Debian's `docker-registry`, or distribution v3 as `registry`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.support.programs import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRET: Final = "the secret of all replicas"
DEBIAN: Final = "docker-registry"
V3: Final = "registry"

_START: Final = 30.0  # seconds until a server that says nothing counts as failed
_BUCKET: Final = {"secure": False, "v4auth": True, "forcepathstyle": True, "chunksize": 10 << 20}
_LISTENING: Final = "listening on "


def version(program: str) -> str:
    """Return what *program* calls itself."""
    done = subprocess.run([find(program), "--version"], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.split()[-1]


@contextmanager
def go_registry(
    program: str, storage: Mapping[str, Any], *, cache: str = "inmemory", redirect: bool = True
) -> Iterator[str]:
    """Serve *storage* (a section `filesystem` or `s3`) on a free port and yield ``host:port``.

    Raises:
        AssertionError: it did not start.
        FileNotFoundError: it is not installed.
    """
    sections: dict[str, Any] = {name: dict(section) for name, section in storage.items()}
    if "s3" in sections:
        sections["s3"] = _BUCKET | sections["s3"]
    sections["cache"] = {"blobdescriptor": cache}
    sections["delete"] = {"enabled": True}
    sections["redirect"] = {"disable": not redirect}
    sections["maintenance"] = {"uploadpurging": {"enabled": False}}
    config = {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": sections,
        "http": {"addr": "127.0.0.1:0", "secret": SECRET},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yml"
        path.write_text(yaml.safe_dump(config))
        # 2.8 can't start where its S3 client finds a bundle of certificates in the environment.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("REGISTRY_", "AWS_"))}
        process = subprocess.Popen(
            [find(program), "serve", str(path)],
            env={**environment, "OTEL_TRACES_EXPORTER": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines: list[str] = []
        listening = threading.Event()
        reader = threading.Thread(target=_collect, args=(process, lines, listening))
        reader.start()
        try:
            if not listening.wait(_START) or not any(_LISTENING in line for line in lines):
                raise AssertionError(f"{program} did not start: {lines}")
            line = next(line for line in lines if _LISTENING in line)
            yield line.partition(_LISTENING)[2].partition('"')[0]
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            finally:
                process.kill()
                reader.join()
                if process.stderr is not None:
                    process.stderr.close()


def _collect(process: subprocess.Popen[str], lines: list[str], listening: threading.Event) -> None:
    """Read the log to its end, so that the pipe never fills."""
    for line in process.stderr or ():
        lines.append(line)
        if _LISTENING in line:
            listening.set()
    listening.set()
