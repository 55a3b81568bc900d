"""A proxy before an S3 server: it counts requests by verb, and does to them what a plan says.

What it forwards, it forwards untouched but for what it is told, so that signatures stay good.
"""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from tests.support.s3stores import Store

_SKIPPED: Final = frozenset({"connection", "transfer-encoding", "keep-alive"})


class Harm(Enum):
    """What may be done to a request."""

    REFUSE = auto()  # an error of S3's instead of an answer
    RESET = auto()  # the connection is cut, and the store never sees the request
    LOSE = auto()  # the store carries it out, and the connection is cut
    CUT = auto()  # half of the answer's content, then the connection is cut
    BREAK = auto()  # the connection is cut amidst the request's content
    HANG = auto()  # half of the answer's content, then nothing until the client gives up
    SHORT = auto()  # half of the answer's content, and Content-Length says that this is all
    CORRUPT = auto()  # one bit of the request's content is another when the store gets it
    STALL = auto()  # no answer until the client gives up
    DELAY = auto()  # the store sees the request some seconds later, also if the client has given up by then
    PAUSE = auto()  # half of the answer's content, and the rest some seconds later
    HOLLOW = auto()  # the store carries it out, and the answer has no content
    ERROR_200 = auto()  # a success that has an error in it; the store never sees the request


_HALVED: Final = frozenset({Harm.CUT, Harm.HANG, Harm.SHORT, Harm.PAUSE})
_CARRIED_OUT: Final = frozenset(Harm) - {Harm.REFUSE, Harm.RESET, Harm.BREAK, Harm.STALL, Harm.ERROR_200}


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm.

    Attributes:
        harm: what happens.
        status: of the answer, with *code*, for `Harm.REFUSE`; `Harm.ERROR_200` has the *code* only.
        seconds: how long a `Harm.DELAY` or `Harm.PAUSE` lasts.
        after: bytes of content that still come, instead of half of it.
    """

    harm: Harm
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 5.0
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that the store has answered.

    Attributes:
        verb: S3's name for it.
        key: of the object; empty for the bucket.
        size: bytes of the answer's content.
    """

    verb: str
    key: str
    size: int


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
        ranges: those that were asked for since the verbs were taken the last time.
        hidden: headers of requests that the store is not to see.
        replaced: headers that it sees another value of, where they have one.
    """

    def __init__(self, store: Store, session: ClientSession, target: str) -> None:
        self.store: Final = store
        self.plan: Callable[[str, int], Fault | None] = lambda _verb, _number: None
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.ranges: list[str] = []
        self.hidden: frozenset[str] = frozenset()
        self.replaced: Mapping[str, str] = {}
        self._session: Final = session
        self._target: Final = target
        self._number = 0
        self._verbs: list[str] = []
        self._passed: list[Passed] = []
        self._closing: Final = asyncio.Event()

    def taken(self) -> list[str]:
        """Return the verbs since the last time, in order of their beginning."""
        taken, self._verbs, self.ranges = self._verbs, [], []
        return taken

    def passed(self) -> list[Passed]:
        """Return what the store has answered since the last time, in order of the answers."""
        passed, self._passed = self._passed, []
        return passed

    def close(self) -> None:
        """End all stalls."""
        self._closing.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle one request."""
        self._number += 1
        self.headers = CIMultiDict(request.headers)
        name = verb(request)
        self._verbs.append(name)
        if name == "GetObject":
            self.ranges.append(request.headers.get("Range", ""))
        fault = self.plan(name, self._number)
        try:
            if fault is None or fault.harm in _CARRIED_OUT:
                return await self._forward(request, fault)
            return await self._fail(request, fault)
        except ConnectionResetError:  # the client has given up
            return _cut(request)

    async def _fail(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        if fault.harm is Harm.BREAK:
            await request.content.readany()
            return _cut(request)
        await request.content.read()
        match fault.harm:
            case Harm.REFUSE:
                return _error(fault, fault.status)
            case Harm.ERROR_200:
                return _error(fault, 200)
            case Harm.STALL:
                await self._closing.wait()
        return _cut(request)

    async def _pause(self, fault: Fault) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), fault.seconds)

    async def _forward(self, request: web.BaseRequest, fault: Fault | None) -> web.StreamResponse:
        harm = None if fault is None else fault.harm
        body = await request.content.read()
        if fault is not None and harm is Harm.DELAY:
            await self._pause(fault)
        if harm is Harm.CORRUPT:
            body = bytes([body[0] ^ 1]) + body[1:]
        url = URL(f"{self._target}{request.raw_path}", encoded=True)
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _SKIPPED)
        for hidden in self.hidden:
            headers.pop(hidden, None)
        headers.update((name, value) for name, value in self.replaced.items() if name in headers)
        async with self._session.request(request.method, url, data=io.BytesIO(body), headers=headers) as found:
            content = await found.read()
            self._passed.append(Passed(verb(request), request.path.strip("/").partition("/")[2], len(content)))
            if harm is Harm.LOSE:
                return _cut(request)
            kept = CIMultiDict((name, value) for name, value in found.headers.items() if name.lower() not in _SKIPPED)
            if harm is Harm.HOLLOW:
                kept.popall("Content-Length", None)
                kept.popall("ETag", None)
                content = b""
            return await self._answer(request, web.StreamResponse(status=found.status, headers=kept), content, fault)

    async def _answer(
        self, request: web.BaseRequest, answer: web.StreamResponse, content: bytes, fault: Fault | None
    ) -> web.StreamResponse:
        sent = content
        if fault is not None and fault.harm in _HALVED:
            sent = content[: len(content) // 2 if fault.after is None else fault.after]
        harm = None if fault is None else fault.harm
        if request.method == "HEAD":
            await answer.prepare(request)
            return answer
        answer.content_length = len(sent if harm is Harm.SHORT else content)
        await answer.prepare(request)
        await answer.write(sent)
        if harm is Harm.HANG:
            await self._closing.wait()
        if harm in {Harm.CUT, Harm.HANG}:
            return _cut(request)
        if fault is not None and harm is Harm.PAUSE:
            await self._pause(fault)
            await answer.write(content[len(sent) :])
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
