"""An HTTP client that sends exactly what it is told and shows exactly what came back. It helps nobody to hide."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE: Final = 30.0  # seconds until a test fails instead of hanging
_BODYLESS: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The error codes in the body."""
        return [row["code"] for row in self.json["errors"]]

    @property
    def location(self) -> str:
        """Location as a target: path and query without scheme and host."""
        _, slash, rest = self.headers["Location"].removeprefix("http://").partition("/")
        return slash + rest


class Connection:
    """One connection: bytes out, responses in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send bytes."""
        for part in parts:
            self.writer.write(part)
        await asyncio.wait_for(self.writer.drain(), PATIENCE)

    async def head(self) -> tuple[int, CIMultiDict[str]]:
        """Read the head of a response."""
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        headers = CIMultiDict[str]()
        for line in lines:
            name, _, value = line.partition(": ")
            headers.add(name, value)
        return int(first.split(" ", 2)[1]), headers

    async def answer(self, method: str = "GET") -> Answer:
        """Read a response whole."""
        status, headers = await self.head()
        body = b""
        if method != "HEAD" and status not in _BODYLESS:
            if headers.get("Transfer-Encoding") == "chunked":
                body = await self._chunks()
            else:
                body = await self.exactly(int(headers["Content-Length"]))
        return Answer(status, headers, body)

    async def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE)

    async def rest(self) -> bytes:
        """Read until the server closes; a reset counts as an end."""
        parts: list[bytes] = []
        try:
            while part := await asyncio.wait_for(self.reader.read(1 << 20), PATIENCE):
                parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)

    async def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int((await asyncio.wait_for(self.reader.readline(), PATIENCE)).strip(), 16):
            parts.append(await self.exactly(size))
            await self.exactly(2)
        await self.exactly(2)
        return b"".join(parts)


def head(method: str, target: str, *headers: tuple[str, str]) -> bytes:
    """The head of a request, with a Host unless one is given."""
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append("Host: registry.test")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def chunked(*parts: bytes) -> bytes:
    """A body in chunks of HTTP, to its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Wire:
    """A server's address, and requests to it, each on a connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open a connection for the block."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()

    async def __call__(
        self, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None, chunks: bool = False
    ) -> Answer:
        """Send one request: *body* with its Content-Length, or in chunks without one."""
        framing: tuple[tuple[str, str], ...] = ()
        if chunks:
            framing = (("Transfer-Encoding", "chunked"),)
            body = chunked(*([body] if body else []))
        elif body is not None:
            framing = (("Content-Length", str(len(body))),)
        async with self.connect() as connection:
            await connection.send(head(method, target, *headers, *framing), body or b"")
            return await connection.answer(method)
