"""What is known about a request once it is answered, and who wants to know (`app.telemetry` does)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """One request.

    Attributes:
        route: the path as documented, ``/v2/{name}/blobs/{digest}``; empty where nothing is served.
        path: the path as it came, without the query, which may hold secrets.
        status: the status sent, 499 for a client that left before it was.
        received: bytes of the request's body.
        sent: bytes of the answer's body.
        duration: seconds.
        repository: its name, empty if there is none.
        code: the error code, empty if all went well.
        trace: the request's ``traceparent``, empty if it has none.
        remote: the peer's address, empty on a unix socket.
    """

    method: str
    route: str
    path: str
    status: int
    received: int
    sent: int
    duration: float
    repository: str
    code: str
    request_id: str
    trace: str
    remote: str
    user_agent: str


class AccessLog(Protocol):
    """Takes one record per request. Must not block and must not raise."""

    def __call__(self, record: AccessRecord, /) -> None:
        """Take *record*."""
        ...


def silent(record: AccessRecord, /) -> None:
    """The access log that is switched off."""
    del record
