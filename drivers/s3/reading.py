"""A file that streams. A stream that breaks off is taken up where it broke, and never padded or cut in silence."""

from __future__ import annotations

import logging
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from drivers.errors import PathNotFound, Unavailable
from drivers.s3.faults import PreconditionFailedError, RangeError, TransientError, translate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from drivers.s3.client import Body, Client

_log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 20
_RESUMES: Final = 5


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
    # What the whole answer is to have is the SDK's to check; it raises when fewer bytes come.
    at, resumes = start, 0
    while True:
        source = _body(body, 0 if body.partial else at, None if stop is None else stop - at)
        try:
            async with aclosing(source) as chunks:
                async for chunk in chunks:
                    at += len(chunk)
                    yield chunk
        except Exception as error:
            meaning = translate(error, path)
            if meaning is error:
                raise
            if not isinstance(meaning, TransientError):
                raise meaning from error
            resumes += 1
            if resumes > _RESUMES:
                raise Unavailable(str(meaning)) from error
            _log.warning("a stream broke off at byte %d and goes on: %s", at, meaning)
        else:
            return
        try:
            body = await client.open(path, version=body.version, start=at, stop=stop)
        except (PathNotFound, PreconditionFailedError, RangeError) as error:
            raise Unavailable(f"{path} has changed while it was read") from error


async def _body(body: Body, skip: int, most: int | None) -> AsyncGenerator[bytes]:
    """Yield what comes after *skip* bytes, *most* of them."""
    raw: Any = body.stream
    try:
        while (most is None or most > 0) and (chunk := await raw.read(_CHUNK)):
            if skip:
                chunk, skip = chunk[skip:], max(0, skip - len(chunk))
                if not chunk:
                    continue
            if most is not None:
                chunk = chunk[:most]
                most -= len(chunk)
            yield chunk
    finally:
        raw.close()
