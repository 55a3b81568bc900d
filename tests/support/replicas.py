"""Server processes on one bucket, for tests whose own loop has something to do meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.support.buckets import tree
from tests.support.programs import moorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.programs import Server
    from tests.support.s3stores import Store


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
