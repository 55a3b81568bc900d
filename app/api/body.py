"""The body of a request: read in bounded batches, within time, within memory, and never believed to be whole.

It is what arrives on the wire: no content coding is undone, no form is parsed. The client is told to go on
(``100-continue``) when somebody first wants to read, which is after authorisation.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import HttpVersion11
from aiohttp.http import HttpProcessingError
from aiohttp.web import RequestPayloadError

from app.oci.errors import ManifestTooLarge, SizeInvalid

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

    from app.api.limits import Limits
    from app.registry.contracts import BlobWriter

# What reading raises when the client has left or breaks the framing.
_CUT: Final = (OSError, HttpProcessingError, RequestPayloadError)
_SLOWEST: Final = 1024  # bytes per second, on average over a batch: who drips holds a turn that others wait for


class BodyCutShort(SizeInvalid):
    """The client went away, or broke the framing, before the end of its body."""

    message = "the body ended before all of it had come"


class BodyTimeout(SizeInvalid):
    """The client stopped sending."""

    message = "no more of the body came in time"


class Body:
    """The body of one request.

    Attributes:
        received: bytes read so far.
    """

    def __init__(self, request: BaseRequest, limits: Limits, idle: float) -> None:
        self._request = request
        self._payload = request.content
        self._limits = limits
        self._idle = idle
        self._fault: type[SizeInvalid] | None = None
        self._continued = not (
            request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue"
        )
        self.received = 0

    @property
    def length(self) -> int | None:
        """Content-Length; ``None``: the body comes in chunks, or there is none."""
        return self._request.content_length

    @property
    def present(self) -> bool:
        """Whether the request has a body of at least one byte, as far as its head tells."""
        return self._request.body_exists

    @property
    def abandoned(self) -> bool:
        """Whether the rest of it can't be skipped, so that nothing more can be read from this connection."""
        return self._fault is not None or (not self._continued and not self._payload.at_eof())

    def require_whole(self) -> None:
        """Make sure that what was read to its end really is the whole body.

        Raises:
            BodyCutShort, BodyTimeout: it is not.
        """
        if self._fault is not None:
            raise self._fault

    async def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises:
            ManifestTooLarge: it has more than *limit* bytes; no more than those were read, and none if its head
                says so.
            BodyCutShort, BodyTimeout: it did not come whole.
        """
        if self.length is not None and self.length > limit:
            raise ManifestTooLarge(detail={"limit": limit})
        async with self._limits.memory.reserve(limit if self.length is None else self.length):
            await self._ask()
            content = await self._fill(limit + 1)
        if len(content) > limit:
            raise ManifestTooLarge(detail={"limit": limit})
        self.require_whole()
        return content

    async def pour(self, writer: BlobWriter) -> int:
        """Write the body to *writer*, one batch while the next one fills, and return how many bytes that were.

        If the client leaves half-way, what came is written; `require_whole` tells. Waits for a turn to upload and for
        the memory first.
        """
        if not self.present:
            return 0
        size = writer.batch_size
        need = 2 * size if self.length is None else min(2 * size, self.length)
        async with self._limits.uploads, self._limits.memory.reserve(need):
            await self._ask()
            batch = await self._fill(size)
            while batch:
                if self._payload.at_eof() or self._fault is not None:
                    await writer.write(batch)
                    break
                batch = await self._exchange(batch, writer)
        return self.received

    async def _exchange(self, batch: bytes, writer: BlobWriter) -> bytes:
        """Write *batch* while the next one, which is returned, fills."""
        following = asyncio.create_task(self._fill(writer.batch_size))
        try:
            await writer.write(batch)
        except BaseException:
            following.cancel()
            await asyncio.wait([following])
            raise
        return await following

    async def _fill(self, size: int) -> bytes:
        """Return *size* bytes or little more, fewer at the end; sets the fault when the end came too early."""
        chunks: list[bytes] = []
        come = 0
        clock = asyncio.get_running_loop().time
        latest = clock() + self._idle
        deadline = asyncio.timeout_at(latest)
        try:
            async with deadline:
                while come < size and not self._payload.at_eof():
                    chunk = await self._payload.readany()
                    chunks.append(chunk)
                    come += len(chunk)
                    self.received += len(chunk)
                    deadline.reschedule(min(clock() + self._idle, latest + come / _SLOWEST))
        except _CUT:
            self._fault = BodyTimeout if deadline.expired() else BodyCutShort
        except RuntimeError:  # aiohttp's way of saying that the connection was closed before this read began
            if self._request.protocol.connected:
                raise
            self._fault = BodyCutShort
        return b"".join(chunks) if len(chunks) != 1 else chunks[0]

    async def _ask(self) -> None:
        """Tell a client that waits for it to send the body."""
        if not self._continued:
            self._continued = True
            if not self._payload.at_eof():
                writer = self._request.writer
                await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                writer.output_size = 0  # the answer has not begun
