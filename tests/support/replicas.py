"""Server processes on one bucket, for tests whose own loop has something to do meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.buckets import tree
from tests.support.programs import moorage
from tests.support.wire import Wire, head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.programs import Server
    from tests.support.s3stores import Store
    from tests.support.wire import Answer


def settings(store: Store, **bucket: Any) -> dict[str, Any]:
    """Sections of a configuration: the bucket of *store*, and all bytes come through the registry."""
    storage = tree(store, redirect={"disable": True})
    return {"storage": {**storage, "s3": {**storage["s3"], **bucket}}}


@asynccontextmanager
async def serving(root: Path, sections: Mapping[str, Any]) -> AsyncIterator[Server]:
    """As `tests.support.programs.moorage`, while the loop goes on: the server's store may live in it."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, moorage(root, sections))
    finally:
        await asyncio.to_thread(stack.close)


@asynccontextmanager
async def replicas(root: Path, store: Store, number: int) -> AsyncIterator[list[Server]]:
    """So many processes on the bucket of *store*."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(serving(root / f"replica{each}", settings(store))) for each in range(number)
        ]


def wire(server: Server) -> Wire:
    """A client of *server*."""
    return Wire("127.0.0.1", server.port)


async def at_once(first: Upload, second: Upload) -> tuple[Answer, Answer]:
    """Send two requests to two processes so that the last byte of each leaves at the same moment."""
    async with first.server.connect() as one, second.server.connect() as other:
        await asyncio.gather(one.send(first.begin()), other.send(second.begin()))
        await asyncio.gather(one.send(first.body[-1:]), other.send(second.body[-1:]))
        return await one.answer(), await other.answer()


@dataclass(frozen=True, slots=True)
class Upload:
    """A request with a body to one of several processes."""

    server: Wire
    method: str
    target: str
    body: bytes

    def begin(self) -> bytes:
        """All of it but for the last byte of the body."""
        return head(self.method, self.target, ("Content-Length", str(len(self.body)))) + self.body[:-1]
