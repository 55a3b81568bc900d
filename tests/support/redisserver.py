"""A Redis server as a process of its own, on a free port of the loopback interface."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.support.programs import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START: Final = 30.0  # seconds until a server that does not answer counts as failed


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes]

    def call(self, *words: str) -> bytes:
        """Send one inline command and return the beginning of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Start a server that keeps nothing, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [find("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = RedisServer(port, process)
    try:
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: RedisServer) -> None:
    end = time.monotonic() + _START
    while True:
        try:
            if server.call("PING") == b"+PONG\r\n":
                return
        except OSError:
            pass
        if time.monotonic() > end or server.process.poll() is not None:
            raise RuntimeError("redis-server does not answer")
        time.sleep(0.02)
