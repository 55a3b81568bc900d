"""The section `redis`: distribution's keys with their names, of version 2 and of version 3, then our own.

Knows how the keys fit together, and what a URL says in their place; connects to nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Meta, Struct

from app.config.units import Duration, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_AtLeastOne = Annotated[int, Meta(ge=1)]
_NotNegative = Annotated[int, Meta(ge=0)]

_ADDRESS: Final = re.compile(r"(?:\[[^\[\]\s]+\]|[^\[\]:/@\s]+):([0-9]{1,5})", re.ASCII)
_PORT: Final = 6379
_LAST_PORT: Final = 65535
_STALE: Final = ("readonly", "routebylatency", "routerandomly")
_IN_URL: Final = ("addr", "addrs", "username", "password", "db", "mastername")


class RedisTLS(Struct, frozen=True, kw_only=True):
    """TLS to Redis: on if *enabled*, and where that is not said, if another key is there, as in the Go registry.

    *certificate* and *key* are files of ours, *rootcas* files with the authorities that Redis's must be from; without
    one these are the system's.
    """

    enabled: bool | None = None
    certificate: str = ""
    key: str = ""
    rootcas: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Whether connections are encrypted."""
        return bool(self.certificate or self.key or self.rootcas) if self.enabled is None else self.enabled


class RedisPool(Struct, frozen=True, kw_only=True):
    """Connections, as version 2 writes it: *maxactive* at most, 0 leaves it to us."""

    maxidle: _NotNegative = 0
    maxactive: _NotNegative = 0
    idletimeout: Duration = Duration(0)


class Redis(Struct, frozen=True, kw_only=True):
    """Where the descriptors are that all replicas share.

    One of *addr* and *addrs* is one server. Several *addrs* are a cluster, or with *mastername* the sentinels that know
    which server is that master. *poolsize* is the most connections of a process; 0 leaves it to us. Of the time limits
    only those count that end before the deadline that each request has for all of Redis. *url*, which stands for addr,
    username, password, db and tls, looks like ``rediss://user:password@host:6379/0``. Keys below the blank line tune
    the Go registry's client; they are read and have no effect, or are refused by `broken`.
    """

    url: Secret = Secret()
    addr: str = ""
    addrs: tuple[str, ...] = ()
    username: str = ""
    password: Secret = Secret()
    db: _NotNegative = 0
    mastername: str = ""
    sentinelusername: str = ""
    sentinelpassword: Secret = Secret()
    tls: RedisTLS = RedisTLS()
    pool: RedisPool = RedisPool()
    poolsize: _NotNegative = 0
    dialtimeout: Duration = Duration(5)
    readtimeout: Duration = Duration(3)
    writetimeout: Duration = Duration(3)

    clientname: str = ""
    protocol: _AtLeastOne = 3
    maxretries: int = 3
    minretrybackoff: Duration = Duration(0.008)
    maxretrybackoff: Duration = Duration(0.512)
    contexttimeoutenabled: bool = False
    poolfifo: bool = False
    pooltimeout: Duration = Duration(4)
    minidleconns: _NotNegative = 0
    maxidleconns: _NotNegative = 0
    maxactiveconns: _NotNegative = 0
    connmaxidletime: Duration = Duration(30 * 60)
    connmaxlifetime: Duration = Duration(0)
    maxredirects: int = 3
    readonly: bool = False
    routebylatency: bool = False
    routerandomly: bool = False
    disableidentity: bool = False
    identitysuffix: str = ""
    unstableresp3: bool = False

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses, ``host:port``, of a section without a URL."""
        return self.addrs or ((self.addr,) if self.addr else ())

    @property
    def connections(self) -> int:
        """The most connections of a process, by the key of either version; 0 leaves it to us."""
        return self.poolsize or self.maxactiveconns or self.pool.maxactive


def broken(section: Redis) -> Iterator[str]:
    """Say in a sentence each what is wrong with *section*. No sentence has a secret in it."""
    for key in _STALE:
        if getattr(section, key):
            yield f"redis.{key}: replicas of a Redis lag behind, and the cache must not; take it out"
    if bool(section.tls.certificate) != bool(section.tls.key):
        yield "redis.tls: certificate and key go together"
    yield from _url(section) if section.url else _servers(section)


def _url(section: Redis) -> Iterator[str]:
    doubled = [key for key in _IN_URL if getattr(section, key)]
    if doubled:
        yield f"redis.url: says all there is to say, {' and '.join(doubled)} too; keep one of the two"
    try:
        in_parts(section)
    except ValueError as error:
        yield f"redis.url: {error}"


def _servers(section: Redis) -> Iterator[str]:
    if section.addr and section.addrs:
        yield "redis: addr and addrs are there; keep one of the two"
    if not section.servers:
        yield "redis: no server is named; write addr: host:6379, addrs or url"
    for address in section.servers:
        if not _is_address(address):
            yield f"redis: {address!r} is no address; write host:port or [IPv6]:port"
    if len(section.servers) > 1 and section.db and not section.mastername:
        yield "redis.db: a cluster has database 0 only"


def in_parts(section: Redis) -> Redis:
    """Return *section* with what its URL says under the keys of distribution; without a URL as it is.

    Raises:
        ValueError: it is no URL of a Redis. The message has nothing of it in it.
    """
    if not section.url:
        return section
    unlike = ValueError("is no URL of a Redis; write redis://host:6379/0, or rediss:// for TLS")
    try:
        url = urlsplit(section.url.reveal())
        port = url.port or _PORT
    except ValueError:
        raise unlike from None
    host, database = url.hostname or "", url.path.strip("/")
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    known = url.scheme in {"redis", "rediss"} and not url.query and not url.fragment
    if not known or not _is_address(address) or not re.fullmatch(r"[0-9]{0,5}", database, re.ASCII):
        raise unlike
    secure = url.scheme == "rediss"
    if section.tls.enabled not in {None, secure} or (section.tls.on and not secure):
        raise ValueError("rediss:// is with TLS and redis:// is without; redis.tls says otherwise")
    return msgspec.structs.replace(
        section,
        url=Secret(),
        addr=address,
        username=unquote(url.username or ""),
        password=Secret(unquote(url.password or "")),
        db=int(database or 0),
        tls=msgspec.structs.replace(section.tls, enabled=secure),
    )


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found[1]) <= _LAST_PORT
