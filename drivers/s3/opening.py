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

    from drivers.s3.connection import Connection
    from drivers.s3.probe import Conditions
    from drivers.s3.settings import S3Settings


@asynccontextmanager
async def open_driver(settings: S3Settings, *, scratch: str = "/moorage/v1/tmp") -> AsyncGenerator[S3Driver]:
    """Open the driver of a bucket; it has the powers that the store turns out to have.

    Args:
        settings: where and how.
        scratch: a folder for the file that is written and removed to find out.

    Raises:
        Unavailable: the bucket can't be reached, read or written; the message says why.
    """
    async with connect(settings) as connection:
        client = make_client(connection, settings)
        conditions = await probe(client, f"{scratch}/probe-{secrets.token_hex(12)}")
        yield make_driver(connection, client, settings, conditions)


def make_client(connection: Connection, settings: S3Settings) -> Client:
    """Put the client of a bucket together."""
    return Client(connection.api, settings, Attempts(Pace(settings.pool), settings.retrybudget))


def make_driver(
    connection: Connection, client: Client, settings: S3Settings, conditions: Conditions, *, pagesize: int = BATCH
) -> S3Driver:
    """Put the driver together that goes with *conditions*.

    Args:
        connection: signs URLs.
        client: makes requests.
        settings: sizes and numbers.
        conditions: what the store heeds.
        pagesize: the most keys to ask for with one listing.
    """
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
        return SwappingS3Driver(client, settings, Swap(client, removes=conditions.remove), **parts)
    return S3Driver(client, settings, **parts)
