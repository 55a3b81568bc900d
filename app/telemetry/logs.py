"""Log lines: one stream, one form (logfmt, JSON or Logstash), the same fields on each line.

Every logger of the standard library ends here, those of the libraries too. Knows nothing of requests: the line per
request is `app/telemetry/access.py`.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Final, TextIO

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

_PLAIN: Final = re.compile(r"[\w.:/@+%*,;()\[\]{}~^!?&|<>$#-]+")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


def _shown(value: object) -> str:
    """What is no value of JSON: our names are texts of a kind of their own."""
    return str(value) if isinstance(value, str) else repr(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=_shown)


def configure(level: str, formatter: str, fields: Mapping[str, str], stream: TextIO) -> None:
    """Send what any logger says at *level* (``debug``, ``info``, ``warn``, ``error``) or above to *stream*."""
    handler = logging.StreamHandler(stream)
    before: list[Processor] = [structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name, *_common(fields)]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *_form(formatter),
            ],
        )
    )
    logging.basicConfig(level=_LEVELS[level], handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("asyncio").setLevel(max(_LEVELS[level], logging.INFO))


def line_logger(formatter: str, fields: Mapping[str, str], stream: TextIO) -> structlog.BoundLogger:
    """A logger that writes straight to *stream*, past levels and handlers: for lines by the thousand a second."""
    logger: structlog.BoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[*_common(fields), *_form(formatter)],
        wrapper_class=structlog.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def _common(fields: Mapping[str, str]) -> list[Processor]:
    constant = {re.sub(r"\s", "_", name): value for name, value in fields.items()}

    def add_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**constant, **event}

    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.add_log_level,
        add_fields,
    ]


def _form(formatter: str) -> list[Processor]:
    match formatter:
        case "json":
            return [structlog.processors.EventRenamer("msg"), _json]
        case "logstash":
            return [_logstash, _json]
        case _:
            return [structlog.processors.EventRenamer("msg"), _logfmt]


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _encode(event)


def _encode(value: object) -> str:
    """Return *value* as JSON on one line, whatever text is in it."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair: how a header's byte that is no UTF-8 is read
        return json.dumps(value, default=_shown, separators=(",", ":"))


def _logstash(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    time, message = event.pop("time"), event.pop("event")
    return {"@timestamp": time, "@version": "1", "message": message, **event}


def _logfmt(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    head = ("time", "level", "msg")
    pairs = [(key, event[key]) for key in head] + [pair for pair in event.items() if pair[0] not in head]
    return " ".join(f"{key}={_quoted(value)}" for key, value in pairs)


def _quoted(value: object) -> str:
    """Return a value on one line: as it is if that is unambiguous, else as a JSON string."""
    text = value if isinstance(value, str) else str(value)
    return text if _PLAIN.fullmatch(text) else _encode(text)
