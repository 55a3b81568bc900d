"""Files to sockets by the kernel: no byte of a large blob passes through Python.

asyncio lets nobody watch a transport's own socket, so a duplicate of it is watched and written to. The calls run in
threads, because a file that is not in memory yet makes ``sendfile`` wait for the disk.
"""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from drivers.errors import Unavailable

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Transport
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

_OF_THE_FILE: Final = frozenset({errno.EIO, errno.ESTALE, errno.ENOMEM, errno.EOVERFLOW, errno.EBADF})
_SLICE: Final = 4 << 20  # bytes that one call may send: bounds how long a thread is held


@contextmanager
def unbuffered(transport: Transport) -> Iterator[None]:
    """Inside the block, whoever drains the transport waits until the kernel has everything that was written."""
    transport.set_write_buffer_limits(high=0)
    try:
        yield
    finally:
        transport.set_write_buffer_limits()


async def send_file(
    transport: Transport,
    file: int,
    start: int,
    stop: int,
    *,
    idle: float,
    threads: Executor,
    sent: Callable[[int], None],
) -> None:
    """Send the bytes of *file* from *start* up to, not including, *stop*.

    The transport's buffer must be empty and nobody may write to it meanwhile. *sent* is told after each part how many
    bytes it had. On cancellation both descriptors are let go only after the kernel is done with them.

    Raises:
        ConnectionError: the client went away, or took nothing for *idle* seconds.
        Unavailable: the file ends before *stop*.
    """
    loop = asyncio.get_running_loop()
    number = transport.get_extra_info("socket").fileno()
    if number < 0:
        raise ConnectionResetError("the client has left")
    socket = os.dup(number)
    try:
        while start < stop:
            try:
                count = await _in_thread(loop, threads, socket, file, start, min(_SLICE, stop - start))
            except BlockingIOError:
                await _writable(loop, socket, idle)
                continue
            except OSError as error:
                if error.errno in _OF_THE_FILE:
                    raise Unavailable(f"a file can't be read: {error.strerror}") from None
                raise ConnectionResetError(error.errno, error.strerror) from None
            if count == 0:
                raise Unavailable(f"a file ended {stop - start} bytes too early")
            start += count
            sent(count)
    finally:
        os.close(socket)


async def _in_thread(loop: AbstractEventLoop, threads: Executor, socket: int, file: int, start: int, count: int) -> int:
    sending = loop.run_in_executor(threads, os.sendfile, socket, file, start, count)
    try:
        return await asyncio.shield(sending)
    except asyncio.CancelledError:
        await asyncio.wait([sending])  # short: the socket does not block
        raise


async def _writable(loop: AbstractEventLoop, socket: int, idle: float) -> None:
    ready = loop.create_future()
    loop.add_writer(socket, _set, ready)
    try:
        async with asyncio.timeout(idle):
            await ready
    except TimeoutError:
        raise ConnectionAbortedError("the client reads too slowly") from None
    finally:
        loop.remove_writer(socket)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
