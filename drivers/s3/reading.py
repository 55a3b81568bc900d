"""A file that streams. A stream that breaks off is taken up where it broke, and never padded or cut in silence."""

from __future__ import annotations

import logging
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from drivers.errors import PathNotFound, Unavailable
from drivers.s3.faults import PreconditionFailedError, RangeError, TransientError, translate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from drivers.s3.answers import Body
    from drivers.s3.client import Client

_log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 20
_RESUMES: Final = 5  # in a row that bring less than a chunk


@asynccontextmanager
async def stream(client: Client, path: str, offset: int, length: int | None) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Open a file, as `drivers.contract.Driver.reader`. One request, and one more each time the stream breaks off."""
    stop = None if length is None else offset + length
    if length == 0:
        await client.head(path)  # there is no range of no bytes
        yield _nothing()
        return
    try:
        body = await client.open(path, start=offset, stop=stop)
    except RangeError:
        yield _nothing()
        return
    async with aclosing(_chunks(client, path, body, offset, stop)) as chunks:
        yield chunks


async def _nothing() -> AsyncGenerator[bytes]:
    for _ in range(0):
        yield b""


async def _chunks(client: Client, path: str, body: Body, start: int, stop: int | None) -> AsyncGenerator[bytes]:
    at, failed = start, 0
    while True:
        begun = at
        try:
            async with aclosing(_body(body, at, body.stop(stop))) as chunks:
                async for chunk in chunks:
                    at += len(chunk)
                    yield chunk
        except Exception as error:
            meaning = translate(error, path)
            if not isinstance(meaning, TransientError):
                if meaning is error:
                    raise
                raise meaning from error
            failed = 0 if at - begun >= _CHUNK else failed + 1
            if failed > _RESUMES:
                raise Unavailable(str(meaning)) from error
            _log.warning("a stream broke off at byte %d and goes on: %s", at, meaning)
        else:
            return
        try:
            body = await client.open(path, version=body.version, start=at, stop=stop)
        except (PathNotFound, PreconditionFailedError, RangeError) as error:
            raise Unavailable(f"{path} has changed while it was read") from error


async def _body(body: Body, start: int, stop: int | None) -> AsyncGenerator[bytes]:
    """Yield the bytes from *start* up to, not including, *stop* or to the end of the stream.

    Raises:
        TransientError: not all of them came.
    """
    raw: Any = body.stream
    at = body.start
    try:
        while (stop is None or at < stop) and (chunk := await raw.read(_CHUNK)):
            first, at = at, at + len(chunk)
            if first < start or (stop is not None and at > stop):
                chunk = chunk[max(0, start - first) : None if stop is None else max(0, stop - first)]
            if chunk:
                yield chunk
    finally:
        raw.close()
    if stop is not None and at < stop:
        raise TransientError(f"a stream ended at byte {at}, not at {stop}")
