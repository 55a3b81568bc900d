"""Published files, opened and read. A file that does not keep its promise of bytes is a failure, no short answer."""

from __future__ import annotations

import os
import stat as mode
from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.errors import PathNotFound, Unavailable
from drivers.filesystem.faults import reading

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.filesystem.threads import Threads

SMALL: Final = 64 << 10
"""Bytes that are read in the event loop of a local disk: a thread costs more than the copy."""

_CHUNK: Final = 1 << 20

# A fifo that somebody left must not hold up the thread that opens it.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def open_file(path: str, real: str) -> tuple[int, int]:
    """Open the file *path*, whose name is *real*; return its descriptor and size.

    Raises:
        PathNotFound: nothing is there, or what is there is no file.
    """
    with reading(path):
        descriptor = os.open(real, _FLAGS)
        status = os.fstat(descriptor)
        if not mode.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise PathNotFound(path)
        return descriptor, status.st_size


def read(path: str, descriptor: int, offset: int, size: int) -> bytes:
    """Read exactly *size* bytes at *offset*.

    Raises:
        Unavailable: the file has become shorter, or the disk failed.
    """
    with reading(path):
        content = os.pread(descriptor, size, offset)
        if len(content) == size:
            return content
        pieces = [content]
        missing = size - len(content)
        while missing:
            content = os.pread(descriptor, missing, offset + size - missing)
            if not content:
                raise Unavailable(f"{path}: {missing} bytes are missing, the file was cut while it was read")
            pieces.append(content)
            missing -= len(content)
        return b"".join(pieces)


async def read_whole(threads: Threads, path: str, real: str) -> bytes:
    """Read a file from its beginning to its end as it was when it was opened."""
    descriptor, size = await threads.brief(lambda: open_file(path, real), undo=lambda opened: os.close(opened[0]))
    try:
        where = threads.brief if size <= SMALL else threads.run
        return await where(lambda: read(path, descriptor, 0, size))
    finally:
        await threads.settle(lambda: os.close(descriptor))


async def chunks(threads: Threads, path: str, descriptor: int, start: int, end: int) -> AsyncGenerator[bytes]:
    """Yield the bytes from *start* to *end*."""
    where = threads.brief if end - start <= SMALL else threads.run
    for offset in range(start, end, _CHUNK):
        size = min(_CHUNK, end - offset)
        yield await where(partial(read, path, descriptor, offset, size))
