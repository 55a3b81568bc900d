"""The whole program in this process: from a configuration to a port."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from app.config.model import HTTP, Cache, Config, Delete, DescriptorCache, Filesystem, InMemory, Storage
from app.main import listening, registry
from app.server.run import Stop
from tests.support.wire import PATIENCE, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from app.api.accesslog import AccessRecord
    from app.auth.contracts import Authorizer
    from app.registry.events import EventSink


class Records(list["AccessRecord"]):
    """An access log that can be waited for; clear *came* before what is waited for begins."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()

    def append(self, record: AccessRecord, /) -> None:
        """Take a record."""
        super().append(record)
        self.came.set()

    async def last(self) -> AccessRecord:
        """Wait for a record and return it."""
        await asyncio.wait_for(self.came.wait(), PATIENCE)
        return self[-1]


def configuration(driver: str, folder: Path, **http: Any) -> Config:
    """A configuration for tests: deletes are on and the port is free."""
    one = {"filesystem": Filesystem(rootdirectory=str(folder))} if driver == "filesystem" else {"inmemory": InMemory()}
    storage = Storage(
        **one,
        delete=Delete(enabled=True),
        cache=Cache(blobdescriptor=DescriptorCache.INMEMORY),
    )
    return Config(version="0.1", storage=storage, http=HTTP(addr="127.0.0.1:0", **http))


def changed(config: Config, **sections: Any) -> Config:
    """*config* with some sections replaced."""
    return msgspec.structs.replace(config, **sections)


@asynccontextmanager
async def running(
    config: Config,
    *,
    records: list[AccessRecord] | None = None,
    stop: Stop | None = None,
    authorizer: Authorizer | None = None,
    events: EventSink | None = None,
) -> AsyncIterator[Wire]:
    """Serve *config* inside the block; *records* is where the access log goes, *events* what happens."""
    log = [] if records is None else records
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(registry(config, events=events))
        if authorizer is not None:
            services = replace(services, authorizer=authorizer)
        address = await stack.enter_async_context(listening(config, services, log.append, stop or Stop()))
        host, _, port = address.rpartition(":")
        yield Wire(host, int(port))
