"""Moorage beside the Go registry (`docker-registry`, if it is installed): the same load, in turn, on this machine.

Each measurement alternates between the two and the median of its rounds is shown, because a shared machine is never
quiet. Pulls are driven by `wrk`; pushes by threads of this process, so their figure is a lower bound for both.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import images
from tests.support.plainhttp import client
from tests.support.programs import moorage

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 2
ROUNDS = 3
CONNECTIONS = 16
PUSHES = 200
SMALL = b"a small blob" * 80
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"
LARGE = os.urandom(1 << 20) * 32

PEER = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  cache: {{blobdescriptor: inmemory}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def ours(folder: Path) -> Iterator[str]:
    settings = {
        "log": {"formatter": "json", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "cache": {"blobdescriptor": "inmemory"},
        },
    }
    with moorage(folder, settings) as server:
        yield server.address


@contextmanager
def peer(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = folder / "peer.yml"
    path.write_text(PEER.format(root=folder / "peer", port=port))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def wrk(address: str, path: str) -> float:
    """GETs a second."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", f"Accept: {ACCEPT}", f"http://{address}{path}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS + 30,
    )
    bad = re.search(r"Non-2xx or 3xx responses: \d+", done.stdout)
    if bad:
        raise RuntimeError(f"{path}: {bad[0]}")
    return float(done.stdout.partition("Requests/sec:")[2].split()[0])


def pushes(address: str, number: int) -> float:
    """Small blobs pushed by POST and PUT, eight at a time, a second."""

    def some(worker: int) -> None:
        with client(address) as connection:
            for index in range(PUSHES // 8):
                connection.push_blob("bench/push", f"{number} {worker} {index}".encode() * 50)

    begin = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(8)))
    return PUSHES / (time.perf_counter() - begin)


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {"moorage": stack.enter_context(ours(folder))}
        if shutil.which("docker-registry"):
            servers["docker-registry"] = stack.enter_context(peer(folder))
        image = images.image(1, docker=True)
        for address in servers.values():
            with client(address) as connection:
                connection.push("bench/pull", image, "v1")
                connection.push_blob("bench/pull", SMALL)
                connection.push_blob("bench/pull", LARGE)
        blob = f"/v2/bench/pull/blobs/{images.sha256(SMALL)}"
        large = f"/v2/bench/pull/blobs/{images.sha256(LARGE)}"
        loads = {
            "GET manifest by tag, requests/s": lambda address, _: wrk(address, "/v2/bench/pull/manifests/v1"),
            "GET manifest by digest, requests/s": lambda address, _: wrk(
                address, f"/v2/bench/pull/manifests/{image.digest}"
            ),
            "GET blob of 1 KB, requests/s": lambda address, _: wrk(address, blob),
            "GET blob of 32 MiB, MiB/s": lambda address, _: wrk(address, large) * 32,
            "push blob of 1 KB, blobs/s": pushes,
        }
        print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
        print(f"load average {os.getloadavg()[0]:.1f}; {CONNECTIONS} connections; median of {ROUNDS} x {SECONDS} s")
        print()
        print(f"{'':36}" + "".join(f"{name:>18}" for name in servers) + ("     ratio" if len(servers) > 1 else ""))
        for name, load in loads.items():
            found = {server: [] for server in servers}
            for number in range(ROUNDS):
                for server, address in servers.items():
                    found[server].append(load(address, number))
            medians = [statistics.median(figures) for figures in found.values()]
            ratio = f"{medians[0] / medians[1]:10.2f}" if len(medians) > 1 else ""
            print(f"{name:36}" + "".join(f"{figure:18.0f}" for figure in medians) + ratio)


if __name__ == "__main__":
    main()
