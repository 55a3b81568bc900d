"""Sections that distribution knows and this version does not serve, and what to say about each.

A key whose feature is missing stops the start: a registry that was configured to ask for passwords must not run
without asking. A section that is switched off (empty, `enabled: false`, `disabled: true`) asks for nothing and passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FALSE: Final = frozenset({"", "~", "null", "no", "off", "false", "0"})
"""Scalars, lower case, that switch a thing off."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """A section without its feature.

    Attributes:
        instead: what to do instead, or what follows from it.
        observes: it only watches; with ``--lenient`` the registry may start without it.
    """

    instead: str
    observes: bool = False

    def sentence(self, path: str) -> str:
        """Say that *path* is not served."""
        return f"{path}: not served by this version yet; {self.instead}"


_DRIVER: Final = Unserved("the drivers of this version are filesystem, inmemory and s3")
_GONE: Final = Unserved("distribution dropped it with version 3")
_WATCH: Final = "take it out, or start with --lenient to run without it"

UNSERVED: Final[dict[tuple[str, ...], Unserved]] = {
    ("auth",): Unserved("take it out, and keep the registry on a loopback address or behind a proxy that asks"),
    ("compatibility",): _GONE,
    ("health",): Unserved(f"a request that meets a failing store answers 503 by itself; {_WATCH}", observes=True),
    ("http", "debug"): Unserved(f"there are no debug and metrics pages; {_WATCH}", observes=True),
    ("http", "h2c"): Unserved("the registry speaks HTTP/1.1; let a proxy in front speak HTTP/2"),
    ("http", "tls"): Unserved("let a proxy in front of the registry speak TLS"),
    ("log", "hooks"): Unserved(f"no mail is sent for log lines; {_WATCH}", observes=True),
    ("log", "reportcaller"): Unserved(f"lines do not name their place in the code; {_WATCH}", observes=True),
    ("middleware",): Unserved("blobs come from the registry itself, by no other address"),
    ("notifications",): Unserved("no endpoint would hear of a push or a pull"),
    ("policy",): Unserved("there are no repository classes"),
    ("proxy",): Unserved("this registry holds what is pushed to it and fetches nothing"),
    ("redis",): Unserved("the descriptor cache of this version is in memory"),
    ("reporting",): Unserved(f"distribution dropped it with version 3; {_WATCH}", observes=True),
    ("storage", "azure"): _DRIVER,
    ("storage", "gcs"): _DRIVER,
    ("storage", "oss"): _DRIVER,
    ("storage", "swift"): _DRIVER,
}
"""By path. `http.http2` is not among them: it has no effect without TLS in the Go registry either."""


def is_off(value: object) -> bool:
    """Whether a section asks for nothing: empty, switched off, or made of such sections only."""
    if isinstance(value, dict):
        switches = {str(key): str(entry).lower() for key, entry in value.items()}
        if switches.get("enabled", "true") in FALSE or switches.get("disabled", "false") not in FALSE:
            return True
        return all(is_off(entry) for entry in value.values())
    if isinstance(value, list):
        return all(is_off(entry) for entry in value)
    return str(value).lower() in FALSE
