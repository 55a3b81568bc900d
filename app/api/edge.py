"""Every request passes here once: told apart, matched, allowed, handled, answered, measured and logged.

Knows no resource. Whatever goes wrong becomes an answer here, or the end of the connection if one had begun.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from aiohttp.web import Response, StreamResponse

from app.api.accesslog import AccessRecord
from app.api.blobresponse import BlobResponse
from app.api.call import Call
from app.api.identity import request_id, trace_parent
from app.api.paths import match
from app.api.problems import JSON, MethodNotAllowed, document, first, render, understood
from app.api.routes import routes
from app.auth.contracts import ANONYMOUS, Access
from app.oci.errors import Denied, Unauthorized, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp.web import BaseRequest

    from app.api.accesslog import AccessLog
    from app.api.call import Services
    from app.api.paths import Target
    from app.api.routes import Operation
    from app.api.settings import ApiSettings

logger = logging.getLogger(__name__)
_CLIENT_LEFT: Final = 499  # nginx's and distribution's number for a client that did not wait for the answer


class Edge:
    """The handler that aiohttp's low-level server calls.

    Args:
        stopping: set when the process is about to end: connections are not kept alive any more.
        clock: seconds, for durations.
    """

    def __init__(
        self, services: Services, *, access_log: AccessLog, stopping: asyncio.Event, clock: Callable[[], float]
    ) -> None:
        self._services = services
        self._routes = routes(services.settings)
        self._access_log = access_log
        self._stopping = stopping
        self._clock = clock
        configured = services.settings.headers
        given = {name.lower() for name, _ in configured}
        ours = (("Server", "moorage"), ("Docker-Distribution-API-Version", "registry/2.0"))
        self._constant = (*(header for header in ours if header[0].lower() not in given), *configured)

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer *request*. Raises nothing but `asyncio.CancelledError`."""
        visit = _Visit(self._clock())
        call = Call(
            request,
            self._services,
            request_id=request_id(request.headers, self._services.new_id),
            trace=trace_parent(request.headers),
        )
        try:
            return await self._visited(call, visit)
        finally:
            self._access_log(visit.record(call, self._clock()))

    def malformed(self, reason: str) -> Response:
        """The answer to bytes that are no request; the connection ends with it."""
        answer = Response(status=400, body=document([Unsupported(reason)]), content_type=JSON)
        self._complete(answer)
        answer.force_close()
        return answer

    async def _visited(self, call: Call, visit: _Visit) -> StreamResponse:
        try:
            try:
                visit.response = await self._handled(call, visit)
                await self._send(call, visit.response)
            except Exception as error:  # noqa: BLE001 - this is where every exception becomes an answer
                await self._recover(call, visit, error)
        except ConnectionError:
            visit.left = True
        except asyncio.CancelledError:  # the time to drain is over
            visit.left = True
            raise
        return visit.response

    async def _recover(self, call: Call, visit: _Visit, error: Exception) -> None:
        """Answer *error*; an answer that has begun is cut short of its Content-Length, with the connection.

        Raises:
            ConnectionError: there is nobody to answer.
        """
        begun = visit.response.prepared
        if begun:
            visit.response.force_close()
            call.hang_up()
        if isinstance(error, ConnectionError) and not call.connected:
            raise error
        problem = understood(error, call.request_id)
        visit.code = first(problem).code
        if not begun:
            visit.response = render(problem, call)
            await self._send(call, visit.response)

    async def _handled(self, call: Call, visit: _Visit) -> StreamResponse:
        target = visit.target = match(call.path, call.settings.prefix)
        methods = self._routes[target.resource]
        if call.request.method == "OPTIONS":
            return _options(methods, call.settings)
        operation = methods.get(call.request.method)
        if operation is None:
            raise MethodNotAllowed([*methods, "OPTIONS"])
        await self._allow(call, target, operation)
        if target.repository is None:
            return await operation.handler(call)
        repository = call.services.namespace.repository(target.repository)
        return await operation.handler(call, repository, *target.arguments)

    async def _allow(self, call: Call, target: Target, operation: Operation) -> None:
        if operation.access is None:
            return
        access = [Access(target.repository, action) for action in operation.access]
        if not await call.services.authorizer.allows(call.principal, access):
            raise Unauthorized if call.principal == ANONYMOUS else Denied

    async def _send(self, call: Call, response: StreamResponse) -> None:
        self._complete(response)
        response.headers["X-Request-ID"] = call.request_id
        if call.trace:
            response.headers["traceparent"] = call.trace
        if self._stopping.is_set() or call.body.abandoned:
            response.force_close()
        if isinstance(response, BlobResponse):
            await response.send(call.request)
        else:
            await response.prepare(call.request)
            await response.write_eof()

    def _complete(self, response: StreamResponse) -> None:
        for name, value in self._constant:
            response.headers.add(name, value)


def _options(methods: Mapping[str, Operation], settings: ApiSettings) -> Response:
    """What can be done here. Browsers ask before they send credentials, so none are wanted (Fetch, CORS-preflight).

    Where `http.headers` lets another origin in but does not say with which methods, they are those that there are.
    """
    allow = ", ".join([*methods, "OPTIONS"])
    answer = Response(status=204, headers={"Allow": allow})
    configured = {name.lower() for name, _ in settings.headers}
    if "access-control-allow-origin" in configured and "access-control-allow-methods" not in configured:
        answer.headers["Access-Control-Allow-Methods"] = allow
    return answer


class _Visit:
    """What becomes of a request, for the log."""

    def __init__(self, started: float) -> None:
        self._started = started
        self.target: Target | None = None
        self.response: StreamResponse = Response(status=_CLIENT_LEFT)
        self.code = ""
        self.left = False

    def record(self, call: Call, now: float) -> AccessRecord:
        request, response = call.request, self.response
        peer = request.remote
        return AccessRecord(
            method=request.method,
            route=self.target.resource.value if self.target else "",
            path=call.path,
            status=_CLIENT_LEFT if self.left else response.status,
            received=call.body.received,
            sent=0 if request.method == "HEAD" else self._sent(),
            duration=now - self._started,
            repository=self.target.repository or "" if self.target else "",
            code=self.code,
            request_id=call.request_id,
            trace=call.trace,
            remote=peer or "",
            user_agent=request.headers.get("User-Agent", "")[:256],
        )

    def _sent(self) -> int:
        """Bytes of the body that have left; a document counts when all of it has."""
        match self.response:
            case BlobResponse(sent=sent):
                return sent
            case Response(body=bytes(body)) if not self.left:
                return len(body)
            case _:
                return 0
