"""Connections: aiohttp's, with a time limit for request heads, errors that are JSON, and a drain that loses no body.

Knows nothing of routes. This is the only place that reaches below aiohttp's public surface; the tests in
`tests/wire/test_connections.py` hold it in place.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
import aiohttp.web
from aiohttp.http import HttpProcessingError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
_READ_BUFFER: Final = 16 << 10  # aiohttp holds up to twice this per connection before it stops reading
_HEAD_LINE: Final = 16 << 10  # longest request line or header line; a sealed session and a token fit
_HEAD_LINES: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """Seconds that a client may take.

    Attributes:
        head: from the first byte of a request's head, or from connecting, to its end.
        idle: between two requests; more than a load balancer in front allows itself.
        stalled: without taking a byte of an answer.
        lingering: to take notice of an answer that came before the end of its body.
    """

    head: float = 30.0
    idle: float = 75.0
    stalled: float = 60.0
    lingering: float = 10.0


class Handler(Protocol):
    """What answers requests (`app.api.edge`)."""

    async def __call__(self, request: aiohttp.web.BaseRequest, /) -> aiohttp.web.StreamResponse:
        """Answer *request*, whatever is wrong with it."""
        ...

    def malformed(self, reason: str, /) -> aiohttp.web.Response:
        """The answer to bytes that are no request."""
        ...


class Connection(aiohttp.web.RequestHandler):
    """One client connection."""

    __slots__ = (
        "_answered",
        "_head_limit",
        "_head_timer",
        "_malformed",
        "_reader_limit",
        "_reader_timer",
        "_stopping",
    )

    def __init__(
        self,
        manager: aiohttp.web.Server,
        settings: ConnectionSettings,
        malformed: Callable[[str], aiohttp.web.Response],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            manager,
            keepalive_timeout=settings.idle,
            lingering_time=settings.lingering,
            read_bufsize=_READ_BUFFER,
            max_line_size=_HEAD_LINE,
            max_field_size=_HEAD_LINE,
            max_headers=_HEAD_LINES,
            auto_decompress=False,  # a digest is that of the bytes that were sent
            access_log=None,  # type: ignore[arg-type]  # aiohttp tests for it; `app.api.edge` logs
            logger=logger,
            **kwargs,
        )
        self._malformed = malformed
        self._head_limit = settings.head
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_limit = settings.stalled
        self._reader_timer: asyncio.TimerHandle | None = None
        self._answered: aiohttp.StreamReader | None = None  # the body of the request that was answered last
        self._stopping = False

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What serves this connection, while it is served."""
        return self._task_handler

    def stop(self) -> None:
        """Let a request that has begun go on to its end, and close then, or now if there is none."""
        self._stopping = True
        if self._current_request is None and not self._messages:
            self.force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_came()
        self._reader_came()
        if exc is None and self.writing_paused:  # aiohttp would take the answer for sent
            exc = ConnectionResetError("the client has left before it had all of the answer")
        super().connection_lost(exc)
        if self._answered is not None:
            self._answered.set_exception(ConnectionResetError("the client has left"))  # ends the lingering

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._current_request is not None or self._messages:
            self._head_came()
        elif data:
            self._await_head()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_limit, self.force_close)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        self._reader_came()
        super().resume_writing()

    def _await_reader(self) -> None:
        transport = self.transport
        if transport is not None:
            unsent = transport.get_write_buffer_size()
            self._reader_timer = self._loop.call_later(self._reader_limit, self._check_reader, transport, unsent)

    def _reader_came(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _check_reader(self, transport: asyncio.Transport, unsent: int) -> None:
        """Be patient with a client that reads slowly, not with one that does not read."""
        if transport.get_write_buffer_size() == unsent:
            logger.debug("a client takes nothing of its answer")
            transport.abort()
        else:
            self._await_reader()

    async def finish_response(
        self, request: aiohttp.web.BaseRequest, resp: aiohttp.web.StreamResponse, start_time: float | None
    ) -> tuple[aiohttp.web.StreamResponse, bool]:
        """Finish as aiohttp does, which then skips the rest of the body, and let the client know if nothing follows.

        Nobody holds back a body, waiting for ``100 Continue``, once our side of the connection has ended. Who is in
        the midst of sending it has time to read the answer: closed at once, the connection would be reset under it.
        """
        finished = await super().finish_response(request, resp, start_time)
        self._answered = request.content
        if self._stopping:
            resp.force_close()
        transport = self.transport
        if not resp.keep_alive and not request.content.is_eof() and transport is not None and transport.can_write_eof():
            transport.write_eof()
        return finished

    def handle_error(
        self,
        request: aiohttp.web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> aiohttp.web.StreamResponse:
        """Answer what was no request: nothing that a client sends gets a traceback into the log."""
        if status >= 500 or request.writer.output_size > 0:  # noqa: PLR2004 - the classes of RFC 9110
            return super().handle_error(request, status, exc, message)
        reason = (message or "bad request").splitlines()[0][:120]
        logger.debug("malformed request from %s: %s", request.remote, reason)
        return self._malformed(reason)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what aiohttp could not handle, but not that a client left or broke the framing of a body it owed us."""
        error = kw.get("exc_info")
        if isinstance(error, (ConnectionError, HttpProcessingError, aiohttp.web.RequestPayloadError)):
            logger.debug("a client broke off: %r", error)
        else:
            super().log_exception(*args, **kw)


class Listener(aiohttp.web.Server):
    """What makes connections of accepted sockets, and can end them."""

    def __init__(self, handler: Handler, settings: ConnectionSettings) -> None:
        super().__init__(handler)
        self._settings = settings
        self._malformed = handler.malformed

    def __call__(self) -> Connection:
        """A protocol for one accepted socket."""
        return Connection(self, self._settings, self._malformed, loop=self._loop)

    def stop(self) -> set[asyncio.Task[None]]:
        """Tell all connections to end after the request they are in, and return what is still running."""
        connections = [connection for connection in self.connections if isinstance(connection, Connection)]
        for connection in connections:
            connection.stop()
        return {connection.task for connection in connections if connection.task is not None}

    async def abort(self) -> None:
        """End what is still running now; each request sees a cancellation, and is waited for."""
        running = self.stop()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
