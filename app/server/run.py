"""One process that serves: it listens, waits for a signal, and ends so that no client notices who need not."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from app.server.connection import ConnectionSettings, Listener
from app.server.sockets import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.server.connection import Handler

logger = logging.getLogger(__name__)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """The wish to end: the first signal sets *stopping*, a second one *now*."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.now = asyncio.Event()

    def request(self) -> None:
        """Ask once to end in good order, twice to end at once."""
        (self.now if self.stopping.is_set() else self.stopping).set()

    @asynccontextmanager
    async def on_signals(self) -> AsyncIterator[None]:
        """Take SIGTERM and SIGINT as requests inside the block."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.request)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


@asynccontextmanager
async def serving(
    handler: Handler,
    stop: Stop,
    *,
    network: str,
    address: str,
    drain: float,
    settings: ConnectionSettings | None = None,
) -> AsyncIterator[str]:
    """Serve *handler* inside the block, which is given the address that was bound.

    On leaving it nothing new is accepted, idle connections are closed, and requests that have begun may take *drain*
    seconds more, unless `Stop.now` comes first. What is cut off is like a client that went away: an upload can be
    carried on from its last acknowledged byte.
    """
    listener = Listener(handler, settings or ConnectionSettings())
    with listening(network, address) as socket:
        server = await asyncio.get_running_loop().create_server(listener, sock=socket)
        try:
            yield _shown(socket.getsockname())
        finally:
            stop.stopping.set()
            server.close()
            await _drained(listener, stop, drain)
            await listener.abort()


async def _drained(listener: Listener, stop: Stop, drain: float) -> None:
    running = listener.stop()
    if not running or drain <= 0:
        return
    logger.info("stopping: %d connections may finish within %g s", len(running), drain)
    now = asyncio.create_task(stop.now.wait())
    finished = asyncio.create_task(asyncio.wait(running))
    try:
        await asyncio.wait({now, finished}, timeout=drain, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (now, finished):
            task.cancel()
        await asyncio.wait({now, finished})


def _shown(name: object) -> str:
    match name:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return str(name)
