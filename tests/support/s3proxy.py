"""A proxy before an S3 server: it counts requests by verb, and does to them what a plan says.

What it forwards, it forwards untouched, so that signatures stay good.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.support.s3stores import Store

_SKIPPED: Final = frozenset({"connection", "expect", "transfer-encoding", "keep-alive"})


class Harm(Enum):
    """What may be done to a request."""

    REFUSE = auto()  # an error of S3's instead of an answer
    RESET = auto()  # the connection is cut, and the store never sees the request
    LOSE = auto()  # the store carries it out, and the connection is cut
    CUT = auto()  # half of the answer's content, then the connection is cut
    STALL = auto()  # no answer until the client gives up
    HOLLOW = auto()  # the store carries it out, and the answer has no content
    ERROR_200 = auto()  # a success that has an error in it; the store never sees the request


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm; *status* and *code* are those of `Harm.REFUSE` and `Harm.ERROR_200`."""

    harm: Harm
    status: int = 503
    code: str = "SlowDown"


def verb(request: web.BaseRequest) -> str:
    """Return S3's name for a request to a bucket in the path."""
    query, key = request.rel_url.query, request.path.strip("/").partition("/")[2]
    copy = "x-amz-copy-source" in request.headers
    if not key:
        names = {"GET": "ListMultipartUploads" if "uploads" in query else "ListObjects", "POST": "DeleteObjects"}
        return names.get(request.method, f"{request.method} bucket")
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "uploadId" in query:
        part = "UploadPartCopy" if copy else "UploadPart"
        names = {"PUT": part, "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}
        return names[request.method]
    names = {"PUT": "CopyObject" if copy else "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}
    return names.get(request.method, "DeleteObject")


class Proxy:
    """What has passed, and what is to happen.

    Attributes:
        store: the proxy, as a store.
        plan: asked with each request's verb and number from 1; returns what to do to it.
        headers: those of the last request.
    """

    def __init__(self, store: Store, session: ClientSession, target: str) -> None:
        self.store: Final = store
        self.plan: Callable[[str, int], Fault | None] = lambda _verb, _number: None
        self.headers: CIMultiDict[str] = CIMultiDict()
        self._session: Final = session
        self._target: Final = target
        self._number = 0
        self._verbs: list[str] = []
        self._closing: Final = asyncio.Event()

    def taken(self) -> list[str]:
        """Return the verbs since the last time, in order of their beginning."""
        taken, self._verbs = self._verbs, []
        return taken

    def close(self) -> None:
        """End all stalls."""
        self._closing.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle one request."""
        self._number += 1
        self.headers = CIMultiDict(request.headers)
        name = verb(request)
        self._verbs.append(name)
        fault = self.plan(name, self._number)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer is still to begin
        body = await request.content.read()
        match fault:
            case None:
                return await self._forward(request, body, None)
            case Fault(Harm.REFUSE):
                return _error(fault, fault.status)
            case Fault(Harm.ERROR_200):
                return _error(fault, 200)
            case Fault(Harm.RESET):
                return _cut(request)
            case Fault(Harm.STALL):
                await self._closing.wait()
                return _cut(request)
            case _:
                return await self._forward(request, body, fault.harm)

    async def _forward(self, request: web.BaseRequest, body: bytes, harm: Harm | None) -> web.StreamResponse:
        url = URL(f"{self._target}{request.raw_path}", encoded=True)
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _SKIPPED)
        async with self._session.request(request.method, url, data=io.BytesIO(body), headers=headers) as found:
            content = await found.read()
            if harm is Harm.LOSE:
                return _cut(request)
            kept = CIMultiDict((name, value) for name, value in found.headers.items() if name.lower() not in _SKIPPED)
            if harm is Harm.HOLLOW:
                kept.popall("Content-Length", None)
                kept.popall("ETag", None)
                content = b""
            answer = web.StreamResponse(status=found.status, headers=kept)
            if request.method != "HEAD":
                answer.content_length = len(content)
            await answer.prepare(request)
            if request.method == "HEAD":
                return answer
            await answer.write(content if harm is None else content[: len(content) // 2])
            if harm is Harm.CUT:
                return _cut(request)
            await answer.write_eof()
            return answer


@asynccontextmanager
async def proxied(store: Store) -> AsyncGenerator[Proxy]:
    """Put a proxy before *store*."""
    connector = TCPConnector(
        limit=0, force_close=True
    )  # a connection that the store closed meanwhile is no fault of ours
    skipped = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
    async with ClientSession(
        connector=connector, auto_decompress=False, skip_auto_headers=skipped, timeout=ClientTimeout()
    ) as session:
        runner: web.ServerRunner

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await proxy.answer(request)

        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        proxy = Proxy(type(store)(store.name, f"http://127.0.0.1:{port}"), session, store.endpoint)
        try:
            yield proxy
        finally:
            proxy.close()
            await runner.cleanup()


def _error(fault: Fault, status: int) -> web.Response:
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{fault.code}</Code><Message>planned</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
