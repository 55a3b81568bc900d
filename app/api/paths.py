"""What a path names. Names may contain every word of the API, so a path is read from its right end.

Each segment is percent-decoded once and on its own: an encoded slash stays inside its segment, where no grammar
allows it, and can't make one resource look like another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from app.oci.digest import Digest
from app.oci.errors import RegistryError
from app.oci.reference import RepositoryName, parse_reference

if TYPE_CHECKING:
    from app.oci.reference import Reference


class RouteUnknown(RegistryError):
    """Nothing is served at this path."""

    code = "UNSUPPORTED"
    message = "no such endpoint"


class Resource(Enum):
    """Everything that is served, by its path as documented."""

    ROOT = "/"
    BASE = "/v2/"
    CATALOG = "/v2/_catalog"
    EXTENSIONS = "/v2/_oci/ext/discover"
    TAGS = "/v2/{name}/tags/list"
    MANIFEST = "/v2/{name}/manifests/{reference}"
    BLOB = "/v2/{name}/blobs/{digest}"
    UPLOADS = "/v2/{name}/blobs/uploads/"
    UPLOAD = "/v2/{name}/blobs/uploads/{id}"
    REFERRERS = "/v2/{name}/referrers/{digest}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: a resource, its repository if it has one, and what the last segment names."""

    resource: Resource
    repository: RepositoryName | None = None
    arguments: tuple[Reference | str, ...] = ()


_FIXED: Final = {
    (): Resource.BASE,
    ("_catalog",): Resource.CATALOG,
    ("_oci", "ext", "discover"): Resource.EXTENSIONS,
}


def match(path: str, prefix: str = "") -> Target:
    """Return what *path*, as it came in the request line without its query, names below *prefix*.

    Raises:
        RouteUnknown: nothing.
        NameInvalid, TagInvalid, DigestInvalid: a part of it breaks its grammar.
    """
    if path in {"/", f"{prefix}/"}:
        return Target(Resource.ROOT)
    if not path.startswith(f"{prefix}/v2"):
        raise RouteUnknown
    segments = path[len(prefix) + 1 :].split("/")
    if "%" in path:
        segments = [unquote(segment, errors="replace") for segment in segments]
    if segments[0] != "v2":
        raise RouteUnknown
    return _below(segments[1:])


def _below(segments: list[str]) -> Target:
    if segments and segments[-1] == "" and segments[-2:-1] != ["uploads"]:
        segments = segments[:-1]  # a slash at the end makes no difference
    fixed = _FIXED.get(tuple(segments))
    if fixed is not None:
        return Target(fixed)
    if segments[0].startswith("_") or len(segments) < 3:  # noqa: PLR2004 - a name, a word and what it is about
        raise RouteUnknown
    *before, word, last = segments
    match word:
        case "manifests":
            target = Target(Resource.MANIFEST, _name(before), (parse_reference(last),))
        case "blobs" if last == "uploads":
            target = Target(Resource.UPLOADS, _name(before))
        case "blobs":
            target = Target(Resource.BLOB, _name(before), (Digest.parse(last),))
        case "uploads" if before[-1] == "blobs" and len(before) > 1:
            name = _name(before[:-1])
            target = Target(Resource.UPLOAD, name, (last,)) if last else Target(Resource.UPLOADS, name)
        case "tags" if last == "list":
            target = Target(Resource.TAGS, _name(before))
        case "referrers":
            target = Target(Resource.REFERRERS, _name(before), (Digest.parse(last),))
        case _:
            raise RouteUnknown
    return target


def _name(segments: list[str]) -> RepositoryName:
    return RepositoryName.parse("/".join(segments) if all("/" not in segment for segment in segments) else "%2F")
