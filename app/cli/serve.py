"""`moorage serve`: one process from its configuration to its end, and one sentence for what keeps it from starting."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from app import __version__
from app.api.accesslog import silent
from app.cli.config import read
from app.config.model import Network
from app.main import listening, maintaining, registry
from app.registry.state import FormatUnsupported, StateInvalid
from app.server.run import Stop
from app.server.sockets import AddressInvalid, split
from app.telemetry.access import AccessLines
from app.telemetry.logs import configure, line_logger
from drivers.errors import DriverError

if TYPE_CHECKING:
    from pathlib import Path

    from app.api.accesslog import AccessLog
    from app.config.model import HTTP, Config, Storage

logger = logging.getLogger(__name__)

UNAVAILABLE: Final = 3
"""Exit code when storage or the address can't be had."""
_INTERRUPTED: Final = 130


def serve(path: Path | None, *, lenient: bool) -> int:
    """Serve until a signal comes. Return the exit code."""
    loaded = read(path, lenient=lenient)
    config = loaded.config
    log = config.log
    configure(log.level.value, log.formatter.value, log.fields, sys.stderr)
    access: AccessLog = silent
    if not log.accesslog.disabled:
        access = AccessLines(line_logger(log.formatter.value, log.fields, sys.stderr))
    logger.info("moorage %s, configured by %s", __version__, loaded.source)
    try:
        return asyncio.run(_serve(config, access))
    except KeyboardInterrupt:
        return _INTERRUPTED


async def _serve(config: Config, access: AccessLog) -> int:
    stop = Stop()
    async with stop.on_signals(), AsyncExitStack() as stack:
        try:
            services = await stack.enter_async_context(registry(config))
        except (DriverError, FormatUnsupported, StateInvalid, OSError) as error:
            return _cannot_start(f"{place(config.storage)} can't be used: {reason(error)}")
        try:
            address = await stack.enter_async_context(listening(config, services, access, stop))
        except (OSError, AddressInvalid) as error:
            return _cannot_start(f"can't listen on {config.http.addr}: {reason(error)} (http.addr)")
        await stack.enter_async_context(maintaining(config, services))
        logger.info("listening on %s", address)
        if is_public(config.http):
            logger.warning("anybody who reaches %s may pull, push and delete: no authentication is configured", address)
        await stop.stopping.wait()
        logger.info("stopping")
    logger.info("stopped")
    return 0


def is_public(http: HTTP) -> bool:
    """Whether others than this machine can reach the address."""
    if http.net is Network.UNIX:
        return False
    host, _ = split(http.addr)
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def reason(error: Exception) -> str:
    """Say why the storage or the address can't be had."""
    if isinstance(error, OSError) and error.errno is not None:
        # asyncio adds the address to the text of the error once more; a name that is not found has a number below 0.
        return os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)
    return str(error) or type(error).__name__


def place(storage: Storage) -> str:
    """Say which storage is meant."""
    if storage.filesystem is not None:
        return f"the storage in {storage.filesystem.rootdirectory}"
    if storage.s3 is not None:
        return f"the bucket {storage.s3.bucket} at {storage.s3.regionendpoint or storage.s3.region}"
    return "the storage"


def _cannot_start(sentence: str) -> int:
    logger.error("%s", sentence)
    return UNAVAILABLE
