"""How requests are told apart: X-Request-ID and the W3C's ``traceparent``, taken from the client if they are sound."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}", re.ASCII)
# Trace Context, section 3.2: a version that is not ff, and neither id all zeros.
_TRACE: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def request_id(headers: Mapping[str, str], new_id: Callable[[], str]) -> str:
    """The client's X-Request-ID, or a new one if it sent none that can be written to a log as it is."""
    given = headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id()


def trace_parent(headers: Mapping[str, str]) -> str:
    """The client's ``traceparent``, or nothing if it sent none or a broken one."""
    given = headers.get("traceparent", "")
    return given if _TRACE.fullmatch(given) else ""
