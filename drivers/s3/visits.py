"""Presigned URLs, followed as a client would that was redirected to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from drivers.finding import Finding
from drivers.s3.sigv4 import Presigner

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.s3.connection import Connection
    from drivers.s3.settings import S3Settings

_REFUSED: Final = 400  # and above


async def visit(connection: Connection, key: str, content: bytes, settings: S3Settings) -> AsyncGenerator[Finding]:
    """Yield what becomes of good and bad URLs of the object with *key*, which has *content*.

    Raises:
        Unavailable: there are no credentials.
    """
    presigner, credentials = Presigner(connection.region), (await connection.grant()).credentials
    now = datetime.now(UTC)

    def url(later: timedelta) -> str:
        return presigner.presign(connection.public, key, credentials, now=now + later, seconds=60)

    good = url(timedelta())
    host = URL(good).authority
    what = f"presigned GET, at {host}"
    unusable = "clients can't be sent there: say `redirectendpoint`, or disable `storage.redirect`"
    async with _session(settings) as http:
        try:
            status, found = await _get(http, good)
            if found != content:
                yield Finding(what, holds=False, follows=f"{unusable} (status {status})")
                return
            expired, _ = await _get(http, url(timedelta(hours=-1)))
            early, _ = await _get(http, url(timedelta(hours=1)))
            tampered, _ = await _get(http, f"{good[:-1]}{'1' if good[-1] == '0' else '0'}")
        except (aiohttp.ClientError, OSError) as error:
            yield Finding(what, holds=False, follows=f"{unusable} ({str(error) or type(error).__name__})")
            return
    yield Finding(what, holds=True, follows="clients that reach this address can be sent there for blobs")
    yield _refused("expired", expired, "URLs end", "whoever once had a URL reads the blob for ever")
    yield _refused(
        "future-dated",
        early,
        "a clock here that is ahead makes URLs that do not work yet",
        "URLs work before their time",
    )
    yield _refused("tampered", tampered, "a URL reads one blob", "whoever reaches the store reads everything in it")


def _refused(kind: str, status: int, yes: str, no: str) -> Finding:
    holds = status >= _REFUSED
    return Finding(f"refuse a presigned GET that is {kind}", holds, yes if holds else no)


async def _get(http: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with http.get(URL(url, encoded=True), allow_redirects=False) as answer:
        return answer.status, await answer.content.read(1024)


def _session(settings: S3Settings) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=settings.connecttimeout + settings.requesttimeout)
    return aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=not settings.skipverify))
