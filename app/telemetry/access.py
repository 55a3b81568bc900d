"""The line per request, with the field names that the Go registry logs. Decides nothing about the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import structlog

    from app.api.accesslog import AccessRecord


class AccessLines:
    """Writes each record to *logger*."""

    def __init__(self, logger: structlog.BoundLogger) -> None:
        self._logger = logger

    def __call__(self, record: AccessRecord, /) -> None:
        """Write the line; fields that are empty are left out."""
        optional = {
            "http.request.remoteaddr": record.remote,
            "http.request.useragent": record.user_agent,
            "vars.name": record.repository,
            "err.code": record.code,
            "traceparent": record.trace,
        }
        self._logger.info(
            "response completed",
            **{
                "http.request.id": record.request_id,
                "http.request.method": record.method,
                "http.request.uri": record.path,
                "http.request.read": record.received,
                "http.response.status": record.status,
                "http.response.written": record.sent,
                "http.response.duration": f"{record.duration * 1000:.3f}ms",
                **{name: value for name, value in optional.items() if value},
            },
        )
