"""Where things are, for Location and Link: under which host and prefix clients know us.

The order of hosts is distribution's: ``http.host``, then Forwarded, X-Forwarded-*, Host. Nothing a client sends gets
into a URL unless it looks like a host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.api.settings import ApiSettings
    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
_FORWARDED: Final = re.compile(r'[ \t]*([A-Za-z-]+)=(?:"([^"\\]*)"|([^;,"\s]*))[ \t]*(;|,|$)', re.ASCII)
_SCHEMES: Final = frozenset({"http", "https"})


def origin(headers: Mapping[str, str], *, secure: bool) -> str:
    """Return ``scheme://host`` as the client of the outermost proxy sees it, or nothing if no header has a host."""
    nearest = _forwarded(headers.get("Forwarded", ""))
    scheme = nearest.get("proto") or _first(headers.get("X-Forwarded-Proto", ""))
    host = nearest.get("host") or _first(headers.get("X-Forwarded-Host", "")) or headers.get("Host", "")
    if scheme.lower() not in _SCHEMES:
        scheme = "https" if secure else "http"
    return f"{scheme.lower()}://{host}" if _HOST.fullmatch(host) else ""


def client(headers: Mapping[str, str], remote: str) -> str:
    """Return the address of the client as the outermost proxy sees it, else *remote*. It may be no address at all."""
    node = _forwarded(headers.get("Forwarded", "")).get("for") or _first(headers.get("X-Forwarded-For", "")) or remote
    bracketed, _, _ = node.removeprefix("[").partition("]")
    return bracketed if node.startswith("[") or node.count(":") != 1 else node.partition(":")[0]


def _first(header: str) -> str:
    return header.partition(",")[0].strip()


def _forwarded(header: str) -> dict[str, str]:
    """The first element of Forwarded (RFC 7239)."""
    pairs: dict[str, str] = {}
    position = 0
    while match := _FORWARDED.match(header, position):
        pairs.setdefault(match[1].lower(), match[3] if match[2] is None else match[2])
        position = match.end()
        if match[4] != ";":
            break
    return pairs


class Locations:
    """URLs for one request."""

    def __init__(self, settings: ApiSettings, headers: Mapping[str, str], *, secure: bool) -> None:
        self._settings = settings
        self._headers = headers
        self._secure = secure

    def blob(self, name: RepositoryName, digest: Digest) -> str:
        """Where a blob is pulled."""
        return self._absolute(f"/v2/{name}/blobs/{digest}")

    def manifest(self, name: RepositoryName, digest: Digest) -> str:
        """Where a manifest is pulled."""
        return self._absolute(f"/v2/{name}/manifests/{digest}")

    def upload(self, name: RepositoryName, session_id: str, token: str) -> str:
        """Where an upload is carried on."""
        return self._absolute(f"/v2/{name}/blobs/uploads/{session_id}?_state={token}")

    def path(self, path: str) -> str:
        """A path of the API below the prefix, for Link."""
        return f"{self._settings.prefix}{path}"

    def _absolute(self, path: str) -> str:
        settings = self._settings
        if settings.host:
            base = settings.host.rstrip("/")
        elif settings.relative_urls:
            base = ""
        else:
            base = origin(self._headers, secure=self._secure)
        return f"{base}{settings.prefix}{path}"
