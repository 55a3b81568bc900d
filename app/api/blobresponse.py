"""The answer that carries a blob: whole or in ranges, from memory, by the kernel, or as a stream.

Its head goes out only when the first bytes are at hand. What promises more bytes than it has ends in a 503 before the
head, and after it in a connection that is cut short of its Content-Length: never in padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp.web import StreamResponse

from app.api.ranges import Span
from app.api.sendfile import send_file, unbuffered
from drivers.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from aiohttp.web import BaseRequest

    from app.api.call import Services
    from app.registry.contracts import OpenBlob


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes of the blob, and what goes before them."""

    head: bytes
    span: Span


class BlobResponse(StreamResponse):
    """A blob, or the *spans* of it; no spans: the whole. Send it with `send`, not with aiohttp's methods.

    Args:
        pulled: called once all of it has been sent.

    Attributes:
        sent: bytes of the body that have left, as far as we know.
    """

    def __init__(
        self,
        blob: OpenBlob,
        spans: tuple[Span, ...],
        headers: Mapping[str, str],
        services: Services,
        pulled: Callable[[], None],
    ) -> None:
        super().__init__(status=206 if spans else 200, headers=headers)
        self.sent = 0
        self._blob = blob
        self._services = services
        self._pulled = pulled
        self._size = blob.descriptor.size
        self._parts: tuple[_Part, ...]
        self._tail = b""
        if len(spans) > 1:
            self._several(spans)
        else:
            span = spans[0] if spans else Span(0, self._size)
            self._parts = (_Part(b"", span),)
            if spans:
                self.headers["Content-Range"] = span.content_range(self._size)
        length = sum(len(part.head) + len(part.span) for part in self._parts) + len(self._tail)
        self.headers["Content-Length"] = str(length)

    def _several(self, spans: tuple[Span, ...]) -> None:
        """Make a ``multipart/byteranges`` of it (RFC 9110 section 14.6)."""
        boundary = self._services.new_id()
        kind = self.headers["Content-Type"]
        self._parts = tuple(
            _Part(
                f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n"
                f"Content-Range: {span.content_range(self._size)}\r\n\r\n".encode(),
                span,
            )
            for span in spans
        )
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"

    async def send(self, request: BaseRequest) -> None:
        """Send head and body.

        Raises:
            BlobUnknown, Unavailable: the bytes are not there, or not all of them; `prepared` tells whether the
                head has gone out.
            ConnectionError: the client went away, or does not read.
        """
        if self._size <= self._services.settings.inline:
            await self._send_content(request)
        elif request.transport is not None and not request.secure and (file := self._blob.file()) is not None:
            await self._send_file(request, file)
        else:
            await self._send_stream(request)
        await self.write_eof()
        self._pulled()

    async def _send_content(self, request: BaseRequest) -> None:
        content = await self._blob.read()
        if len(content) != self._size:
            raise Unavailable(f"a blob of {self._size} bytes has {len(content)}")
        body = b"".join(part.head + content[part.span.start : part.span.stop] for part in self._parts) + self._tail
        self._send_headers_immediately = False  # head and body leave in one packet
        await self.prepare(request)
        await self._write(body)

    async def _send_file(self, request: BaseRequest, source: AbstractAsyncContextManager[int]) -> None:
        services = self._services
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        idle, threads = services.settings.idle, services.threads
        async with source as file:
            with unbuffered(transport):
                await self.prepare(request)
                for part in self._parts:
                    await self._write(part.head)
                    await request.writer.drain()  # the kernel has all that was written so far
                    span = part.span
                    await send_file(
                        transport, file, span.start, span.stop, idle=idle, threads=threads, sent=self._count
                    )
                await self._write(self._tail)

    async def _send_stream(self, request: BaseRequest) -> None:
        for part in self._parts:
            async with self._blob.stream(part.span.start, part.span.stop) as chunks:
                head = part.head
                async for chunk in chunks:
                    await self.prepare(request)  # once; and only when there is something to send
                    await self._write(head)
                    await self._write(chunk)
                    head = b""
        await self._write(self._tail)

    async def _write(self, chunk: bytes) -> None:
        if chunk:
            await self.write(chunk)
            self._count(len(chunk))

    def _count(self, sent: int) -> None:
        self.sent += sent
