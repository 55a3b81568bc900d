"""The one table of resources, methods, handlers and the access each of them needs. There is no default access."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from app.api import base, blobs, catalog, manifests, referrers, tags, uploads
from app.api.paths import Resource
from app.auth.contracts import Action

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from app.api.settings import ApiSettings

Handler: TypeAlias = Callable[..., Awaitable["StreamResponse"]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a resource.

    Attributes:
        access: what the caller must be allowed to do: to the repository in the path, or to the registry where the
            path has none. Nothing in it: be let in at all. ``None``: anybody may.
        removes: whether ``storage.delete.enabled`` decides if it exists.
    """

    handler: Handler
    access: tuple[Action, ...] | None
    removes: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return bool(self.access) and self.access not in {PULL, CATALOG}


PUBLIC: Final = None
LET_IN: Final = ()
PULL: Final = (Action.PULL,)
PUSH: Final = (Action.PULL, Action.PUSH)
DELETE: Final = (Action.DELETE,)
CATALOG: Final = (Action.CATALOG,)

_TABLE: Final[Mapping[Resource, Mapping[str, Operation]]] = {
    Resource.ROOT: {"GET": Operation(base.root, PUBLIC)},
    Resource.BASE: {"GET": Operation(base.version, LET_IN)},
    Resource.EXTENSIONS: {"GET": Operation(base.extensions, LET_IN)},
    Resource.CATALOG: {"GET": Operation(catalog.list_repositories, CATALOG)},
    Resource.TAGS: {"GET": Operation(tags.list_tags, PULL)},
    Resource.REFERRERS: {"GET": Operation(referrers.list_referrers, PULL)},
    Resource.MANIFEST: {
        "GET": Operation(manifests.pull, PULL),
        "PUT": Operation(manifests.push, PUSH),
        "DELETE": Operation(manifests.delete, DELETE, removes=True),
    },
    Resource.BLOB: {
        "GET": Operation(blobs.pull, PULL),
        "DELETE": Operation(blobs.delete, DELETE, removes=True),
    },
    Resource.UPLOADS: {"POST": Operation(uploads.start, PUSH)},
    Resource.UPLOAD: {
        "GET": Operation(uploads.status, PUSH),
        "PATCH": Operation(uploads.append, PUSH),
        "PUT": Operation(uploads.close, PUSH),
        "DELETE": Operation(uploads.cancel, PUSH),  # who may push may also give up
    },
}


def routes(settings: ApiSettings) -> Mapping[Resource, Mapping[str, Operation]]:
    """Return what is served: the table without what is switched off, and HEAD wherever there is GET."""
    return {
        resource: {
            method: operation
            for name, operation in methods.items()
            if not (operation.removes and not settings.delete) and not (operation.writes and settings.read_only)
            for method in (("GET", "HEAD") if name == "GET" else (name,))
        }
        for resource, methods in _TABLE.items()
    }
