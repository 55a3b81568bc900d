"""Listening sockets, made of `http.net` and `http.addr`."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BACKLOG: Final = 1024


class AddressInvalid(ValueError):
    """The address is none that can be listened on."""


@contextmanager
def listening(network: str, address: str) -> Iterator[socket.socket]:
    """Listen on *address* inside the block: ``host:port``, ``:port`` for every interface, or a path for ``unix``.

    A socket file that a dead process left behind is replaced; afterwards ours is removed.

    Raises:
        AddressInvalid: it is not of that form.
        OSError: it can't be had.
    """
    if network == "unix":
        with _unix(Path(address)) as listener:
            yield listener
        return
    host, port = split(address)
    with _tcp(host, port) as listener:
        yield listener


def split(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; IPv6 hosts stand in brackets.

    Raises:
        AddressInvalid: it is not of that form.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise AddressInvalid(f"{address!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _tcp(host: str, port: int) -> socket.socket:
    if not host:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        return socket.create_server(("", port), backlog=_BACKLOG)
    family, *_, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(target[:2], family=family, backlog=_BACKLOG)


@contextmanager
def _unix(path: Path) -> Iterator[socket.socket]:
    if path.is_socket() and not _answers(path):
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        try:
            listener.listen(_BACKLOG)
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
