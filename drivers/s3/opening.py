"""From settings to a driver: the only place that knows all the parts."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from drivers.s3.attempts import Attempts
from drivers.s3.budget import ByteBudget
from drivers.s3.client import BATCH, Client
from drivers.s3.compose import Composer
from drivers.s3.connection import connect
from drivers.s3.driver import S3Driver, SwappingS3Driver
from drivers.s3.pace import Pace
from drivers.s3.probe import probe
from drivers.s3.redirects import Redirects
from drivers.s3.sigv4 import Presigner
from drivers.s3.swap import Swap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.s3.settings import S3Settings


@asynccontextmanager
async def open_driver(
    settings: S3Settings, *, scratch: str = "/moorage/v1/tmp", pagesize: int = BATCH
) -> AsyncGenerator[S3Driver]:
    """Open the driver of a bucket; it has the powers that the store turns out to have.

    Args:
        settings: where and how.
        scratch: a folder for the file that is written and removed to find out.
        pagesize: the most keys to ask for with one listing.

    Raises:
        Unavailable: the bucket can't be reached, read or written; the message says why.
    """
    async with connect(settings) as connection:
        client = Client(connection.api, settings, Attempts(Pace(settings.pool), settings.retrybudget))
        conditions = await probe(client, f"{scratch}/probe-{secrets.token_hex(12)}")
        parts: dict[str, Any] = {
            "budget": ByteBudget(settings.buffer),
            "composer": Composer(client, settings),
            "redirects": Redirects(
                connection.public, Presigner(connection.region), connection.grant, seconds=settings.redirectexpiry
            ),
            "warnings": conditions.warnings,
            "pagesize": pagesize,
        }
        if conditions.create and conditions.swap:
            yield SwappingS3Driver(client, settings, Swap(client, removes=conditions.remove), **parts)
        else:
            yield S3Driver(client, settings, **parts)
