"""What a failed request means. Absence is NoSuchKey or a bare 404; all else is a failure, and some are worth a retry.

What a caller here does not expect is Unavailable to all others.
"""

from __future__ import annotations

import logging
from typing import Final

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as ConnectionFailedError,
)
from botocore.parsers import ResponseParserError

from drivers.errors import InvalidPath, PathNotFound, Unavailable

_log = logging.getLogger(__name__)

_ABSENT: Final = frozenset({"NoSuchKey", "NotFound", "404"})
_PUSHED_BACK: Final = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
)
_AGAIN: Final = frozenset(
    {
        "BadDigest",
        "ConditionalRequestConflict",
        "ExpiredToken",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "XAmzContentSHA256Mismatch",
    }
)
_UNKNOWN_TO_THE_STORE: Final = frozenset({"MethodNotAllowed", "NotImplemented"})

_PLAIN_WORDS: Final = {
    "403": "the credentials do not allow this request",
    "AccessDenied": "the credentials do not allow this request",
    "AuthorizationHeaderMalformed": "the region is not that of the bucket",
    "InvalidAccessKeyId": "the store does not know the access key",
    "NoSuchBucket": "there is no such bucket",
    "PermanentRedirect": "the bucket is in another region, or has another endpoint",
    "RequestTimeTooSkewed": "the clocks of this machine and of the store differ too much",
    "SignatureDoesNotMatch": "the secret key is not that of the access key",
    "XAdminUserNotFound": "the store does not know the access key",
}

_BROKEN: Final = (
    HTTPClientError,
    ConnectionFailedError,
    IncompleteReadError,
    ResponseParserError,
    aiohttp.ClientError,
    OSError,  # TimeoutError is one
)

_BROKEN_STORE: Final = 500
# 501 says that another attempt is in vain.
_NOT_IMPLEMENTED: Final = 501
_TOO_MANY: Final = 429


class TransientError(Exception):
    """This attempt failed, and another may succeed; *pushed_back* if the store wants fewer requests.

    `attempts` and `reading` see to it that it never leaves.
    """

    def __init__(self, reason: str, *, pushed_back: bool = False) -> None:
        super().__init__(reason)
        self.pushed_back = pushed_back


class RefusedError(Unavailable):
    """The store has answered, and only an operator can mend what it says."""


class PreconditionFailedError(Unavailable):
    """The object is not as the condition says."""


class RangeError(Unavailable):
    """The range begins at or beyond the end."""


class NoSuchUploadError(Unavailable):
    """The multipart upload is unknown: aborted, completed, or never there."""


class NotSupportedError(Unavailable):
    """The store does not know this request."""


_MEANINGS: Final = (
    (frozenset({"PreconditionFailed", "412"}), PreconditionFailedError),
    (frozenset({"InvalidRange", "416"}), RangeError),
    (frozenset({"NoSuchUpload"}), NoSuchUploadError),
    (_UNKNOWN_TO_THE_STORE, NotSupportedError),
)


def translate(error: Exception, path: str) -> Exception:
    """Return what *error*, raised by a request about *path*, means."""
    if isinstance(error, ClientError):
        return _answer(error, path)
    if isinstance(error, SSLError):
        return _loud(f"{path}: {error}")
    if isinstance(error, _BROKEN):
        return TransientError(f"{path}: {_reason(error)}")
    if isinstance(error, BotoCoreError):
        return _loud(f"{path}: {error}")
    return error


def _answer(error: ClientError, path: str) -> Exception:
    code, status = code_of(error), status_of(error)
    if code in _PUSHED_BACK or status == _TOO_MANY:
        return TransientError(f"{path}: {_answered(error)}", pushed_back=True)
    if code in _AGAIN or (status >= _BROKEN_STORE and status != _NOT_IMPLEMENTED and code not in _UNKNOWN_TO_THE_STORE):
        return TransientError(f"{path}: {_answered(error)}")
    if code in _ABSENT:
        return PathNotFound(path)
    if code == "KeyTooLongError":
        return InvalidPath(path)
    for codes, meaning in _MEANINGS:
        if code in codes:
            return meaning(f"{path}: {_answered(error)}")
    return _loud(_said(error, path), RefusedError)


def code_of(error: ClientError) -> str:
    """Return S3's name for what is wrong, or the status where the answer had none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the answer's status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _said(error: ClientError, path: str) -> str:
    """What an operator can act on in words of ours, all else in the store's."""
    code = code_of(error)
    if code in _PLAIN_WORDS:
        return f"{_PLAIN_WORDS[code]} ({code} to {error.operation_name})"
    return f"{path}: {_answered(error)}"


def _answered(error: ClientError) -> str:
    """What the store said; the SDK's own text adds how often *it* has tried, which is misleading here."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    said = f"{error.operation_name} was answered {code_of(error) or 'without a code'}, status {status_of(error)}"
    return f"{said}: {message}" if message else said


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _loud(reason: str, kind: type[Unavailable] = Unavailable) -> Unavailable:
    # Denied, no such bucket, no credentials: waiting does not help, only somebody who reads the log.
    _log.error("the store refuses a request: %s", reason)
    return kind(reason, retry_after=30.0)
