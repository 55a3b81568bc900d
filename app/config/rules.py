"""What must hold of a configuration beyond the type of each value. Reads nothing and changes nothing."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from app.config.model import DRIVERS, LONGEST_AGE, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.config.model import HTTP, Choice, Config, Limits, UploadPurging, URLs

VERSION: Final = "0.1"

_ADDRESS: Final = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*):([0-9]{1,5})", re.ASCII)
_LAST_PORT: Final = 65535
_PREFIX: Final = re.compile(r"[A-Za-z0-9._~/-]*", re.ASCII)  # what stands in a path as it is (RFC 3986 section 2.3)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110 section 5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "docker-content-digest",
        "etag",
        "location",
        "transfer-encoding",
        "x-request-id",
    }
)
"""Headers whose value depends on the answer: one for all of them would break clients."""


def broken(config: Config) -> list[str]:
    """Return a sentence for each rule that *config* breaks."""
    limits = _limits(config.moorage.limits)
    redirect, urls = config.moorage.redirect, config.validation.manifests.urls
    return [
        *_whole(config),
        *_purging(config.storage.maintenance.uploadpurging),
        *_http(config.http),
        *_each("validation.manifests.urls", urls, _check_pattern),
        *_each("moorage.redirect.useragents", redirect.useragents, _check_pattern),
        *_each("moorage.redirect.clients", redirect.clients, _check_network),
        *limits,
    ]


def _whole(config: Config) -> Iterator[str]:
    if config.version != VERSION:
        yield f"version: {config.version} is not known; this file format is version {VERSION}"
    named = [name for name in DRIVERS if getattr(config.storage, name) is not None]
    if len(named) != 1:
        said = " and ".join(named) if named else "none"
        yield f"storage: exactly one driver must be named, {said} is; the drivers are {' and '.join(DRIVERS)}"


def _purging(purging: UploadPurging) -> Iterator[str]:
    for name, value in (("age", purging.age), ("interval", purging.interval)):
        if not 0 < value <= LONGEST_AGE:
            yield f"storage.maintenance.uploadpurging.{name}: must be longer than 0s and at most {LONGEST_AGE}"


def _http(http: HTTP) -> Iterator[str]:
    if http.net is Network.TCP and not _is_address(http.addr):
        yield f"http.addr: {http.addr!r} is no address; write host:port, :port or [IPv6]:port"
    if http.host and not _is_origin(http.host):
        yield f"http.host: {http.host!r} is no URL; write it with its scheme, like https://registry.example.com"
    if _PREFIX.fullmatch(http.prefix) is None:
        yield f"http.prefix: {http.prefix!r} is no path of letters, digits and . _ ~ - between slashes"
    for name, values in http.headers.items():
        if _TOKEN.fullmatch(name) is None:
            yield f"http.headers: {name!r} can't be the name of a header"
        elif name.lower() in _OURS:
            yield f"http.headers.{name}: each answer has its own; it can't be configured"
        elif any(_CONTROL.search(value) for value in values):
            yield f"http.headers.{name}: a value has a line break or another control character in it"


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and int(found[1]) <= _LAST_PORT


def _is_origin(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    plain = not (url.query or url.fragment or _CONTROL.search(text) or " " in text)
    return plain and url.scheme in {"http", "https"} and bool(url.hostname)


def _each(path: str, section: URLs | Choice, check: Callable[[str], object]) -> Iterator[str]:
    for kind, texts in (("allow", section.allow), ("deny", section.deny)):
        for index, text in enumerate(texts):
            try:
                check(text)
            except ValueError as error:
                yield f"{path}.{kind}[{index}]: {error}"


def _check_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"not a network like 10.0.0.0/8: {error}") from None


def _limits(limits: Limits) -> Iterator[str]:
    for name in ("manifestsize", "headertimeout", "idletimeout"):
        if getattr(limits, name) <= 0:
            yield f"moorage.limits.{name}: must be more than 0"
    if limits.bodymemory < 4 * limits.manifestsize:
        yield "moorage.limits.bodymemory: must be at least four times moorage.limits.manifestsize"
