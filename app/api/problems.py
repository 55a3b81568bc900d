"""From exception to answer: the one table of statuses, codes and headers. Nobody else writes an error body."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from aiohttp.web import Response

import drivers.errors
from app.api.body import BodyTimeout
from app.api.paths import RouteUnknown
from app.oci import errors
from app.registry.contracts import UploadOutOfOrder
from cache.contract import CacheUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.api.call import Call

logger = logging.getLogger(__name__)


class MethodNotAllowed(errors.Unsupported):
    """The resource has no such method; *allow* are those that it has."""

    message = "method not allowed"

    def __init__(self, allow: Iterable[str]) -> None:
        super().__init__()
        self.allow = ", ".join(allow)


class TooManyTags(errors.TagInvalid):
    """More ``tag`` parameters than one manifest may be given."""

    message = "too many tag parameters"


# The first class that fits decides, so the special ones come first.
_STATUS: Final[tuple[tuple[type[errors.RegistryError], int], ...]] = (
    (RouteUnknown, 404),
    (TooManyTags, 414),
    (BodyTimeout, 408),
    (UploadOutOfOrder, 416),
    (errors.NameUnknown, 404),
    (errors.BlobUnknown, 404),
    (errors.BlobUploadUnknown, 404),
    (errors.ManifestUnknown, 404),
    (errors.ManifestTooLarge, 413),
    (errors.PreconditionFailed, 412),
    (errors.RangeInvalid, 416),
    (errors.Unsupported, 405),
    (errors.Unauthorized, 401),
    (errors.Denied, 403),
    (errors.TooManyRequests, 429),
    (errors.Unavailable, 503),
    (errors.RegistryError, 400),
)
JSON: Final = "application/json"
_SPREAD: Final = 4  # seconds


def status_of(error: errors.RegistryError) -> int:
    """The HTTP status of *error*."""
    decisive = first(error)
    if type(decisive) is errors.RegistryError:
        return 500
    return next(status for kind, status in _STATUS if isinstance(decisive, kind))


def first(error: errors.RegistryError) -> errors.RegistryError:
    """Of several errors the one that decides, else *error* itself."""
    return error.errors[0] if isinstance(error, errors.Problems) else error


def understood(error: Exception, request_id: str) -> errors.RegistryError:
    """Return *error* as one that a client can understand.

    A defect of ours is logged with its traceback and becomes a `RegistryError` of no kind, which tells nothing.
    """
    if isinstance(error, errors.RegistryError):
        return error
    if isinstance(error, drivers.errors.Unavailable):
        logger.warning("storage is unavailable to request %s: %s", request_id, error)
        return errors.Unavailable(retry_after=error.retry_after)
    if isinstance(error, drivers.errors.Busy):
        return errors.Unavailable("somebody else is writing this; try again", retry_after=1)
    if isinstance(error, CacheUnavailable):
        logger.warning("the cache could not be told what request %s removed: %s", request_id, error)
        return errors.Unavailable()
    logger.error("request %s failed: %r", request_id, error, exc_info=error)
    return errors.RegistryError()


def render(problem: errors.RegistryError, call: Call) -> Response:
    """Return the answer for *problem*."""
    several = problem.errors if isinstance(problem, errors.Problems) else (problem,)
    answer = Response(status=status_of(problem), body=document(several), content_type=JSON)
    answer.headers.update(_headers(problem, call))
    return answer


def _headers(problem: errors.RegistryError, call: Call) -> dict[str, str]:
    match problem:
        case UploadOutOfOrder():
            return call.session_headers(problem.session)
        case errors.RangeInvalid():
            return {"Content-Range": f"bytes */{problem.size}"}
        case MethodNotAllowed():
            return {"Allow": problem.allow}
        case errors.Unavailable():
            # Spread, lest all who were refused come back at once.
            spread = crc32(call.request_id.encode()) % _SPREAD
            return {"Retry-After": str(max(1, math.ceil(problem.retry_after)) + spread)}
        case errors.TooManyRequests():
            return {"Retry-After": "1"}
        case _:
            return {}


def document(problems: Iterable[errors.RegistryError]) -> bytes:
    """The JSON body for *problems* (distribution-spec, "Error Codes")."""
    rows: list[dict[str, Any]] = []
    for problem in problems:
        row = {"code": problem.code, "message": problem.text}
        rows.append(row if problem.detail is None else {**row, "detail": problem.detail})
    return json.dumps({"errors": rows}, separators=(",", ":"), default=str).encode()
