"""Requests to an S3 server, seen and counted on their way; nothing is changed."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, TCPConnector, web
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.s3stores import Store

_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_MARKS: Final = ("list-type", "uploads", "uploadId", "delete")
_NAMES: Final[dict[tuple[str, ...], str]] = {
    ("GET", "list-type"): "LIST",
    ("GET", "uploads"): "LIST uploads",
    ("GET", "uploadId"): "LIST parts",
    ("POST", "uploads"): "CREATE",
    ("PUT", "uploadId"): "PUT part",
    ("POST", "uploadId"): "COMPLETE",
    ("DELETE", "uploadId"): "ABORT",
    ("POST", "delete"): "DELETE many",
}
_NAME: Final = re.compile(r"(?<=/)([0-9a-f]{2}/)?[0-9a-f-]{36,}")  # a digest or a UUID


class Requests:
    """What came, in order: what was done, and to what."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def taken(self) -> list[str]:
        """Return what came since the last time, in order: ``PUT .../link``."""
        taken, self._seen = self._seen, []
        return taken

    def add(self, request: web.BaseRequest) -> None:
        """Take note of one."""
        key = _NAME.sub("#", request.path.partition("/moorage/v1/")[2] or request.path.partition("/registry/v2/")[2])
        self._seen.append(f"{_operation(request)} {key}".strip())


def _operation(request: web.BaseRequest) -> str:
    marks = [mark for mark in _MARKS if mark in request.query]
    name = _NAMES.get((request.method, *marks), request.method)
    return f"{name} from another" if "x-amz-copy-source" in request.headers else name


@asynccontextmanager
async def counted(store: Store) -> AsyncIterator[tuple[Store, Requests]]:
    """Stand in front of *store* inside the block: what is asked there is counted."""
    requests = Requests()

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        requests.add(request)
        url = URL(f"{store.endpoint}{request.raw_path}", encoded=True)
        body = request.content if request.body_exists else None
        async with session.request(
            request.method, url, headers=request.headers, data=body, allow_redirects=False
        ) as answer:
            headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            response = web.StreamResponse(status=answer.status, headers=headers)
            if answer.content_length is not None:
                response.content_length = answer.content_length
            await response.prepare(request)
            if request.method != "HEAD":
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            await response.write_eof()
            return response

    connector = TCPConnector(limit=0, force_close=True)
    async with ClientSession(auto_decompress=False, connector=connector, skip_auto_headers=["User-Agent"]) as session:
        runner = web.ServerRunner(web.Server(forward))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield replace(store, endpoint=f"http://127.0.0.1:{runner.addresses[0][1]}"), requests
        finally:
            await runner.cleanup()
