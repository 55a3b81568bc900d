"""Everything that can be wrong with a request, as values of the specification.

The codes are those of the OCI distribution spec and of Docker's API V2. Status codes are not known here:
`app/api/problems.py` is the one table from these classes to HTTP.

    RegistryError
      NameInvalid  NameUnknown  TagInvalid  DigestInvalid  SizeInvalid  PaginationInvalid
      BlobUnknown  BlobUploadUnknown  BlobUploadInvalid
      ManifestUnknown  ManifestInvalid  ManifestUnverified  ManifestBlobUnknown  ManifestTooLarge
      PreconditionFailed  RangeInvalid  Unsupported  Unauthorized  Denied  TooManyRequests  Unavailable
      Problems            several of the above at once, reported together
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class RegistryError(Exception):
    """A refusal that a client can understand.

    Attributes:
        code: the spec's error code, upper case with underscores.
        message: one sentence for people.
        detail: JSON-able facts about this very case, or ``None``.
    """

    code: ClassVar[str] = "UNKNOWN"
    message: ClassVar[str] = "unknown error"

    def __init__(self, message: str | None = None, *, detail: Any = None) -> None:
        super().__init__(message or type(self).message)
        self.detail = detail

    @property
    def text(self) -> str:
        """The sentence for people."""
        return str(self.args[0])


class NameInvalid(RegistryError):
    """The repository name breaks the grammar or is too long."""

    code = "NAME_INVALID"
    message = "invalid repository name"


class NameUnknown(RegistryError):
    """No such repository here."""

    code = "NAME_UNKNOWN"
    message = "repository name not known to registry"


class TagInvalid(RegistryError):
    """The tag breaks the grammar."""

    code = "TAG_INVALID"
    message = "invalid tag name"


class DigestInvalid(RegistryError):
    """The digest is malformed, of an unsupported algorithm, or not that of the content."""

    code = "DIGEST_INVALID"
    message = "provided digest did not match uploaded content"


class SizeInvalid(RegistryError):
    """The length announced is not the length that came."""

    code = "SIZE_INVALID"
    message = "provided length did not match content length"


class PaginationInvalid(RegistryError):
    """``n`` is not a number of results."""

    code = "PAGINATION_NUMBER_INVALID"
    message = "invalid number of results requested"


class BlobUnknown(RegistryError):
    """This repository has no such blob (another may)."""

    code = "BLOB_UNKNOWN"
    message = "blob unknown to registry"


class BlobUploadUnknown(RegistryError):
    """No such upload session: never begun, ended, cancelled, or of another repository."""

    code = "BLOB_UPLOAD_UNKNOWN"
    message = "blob upload unknown to registry"


class BlobUploadInvalid(RegistryError):
    """The request does not fit the session; the session lives on."""

    code = "BLOB_UPLOAD_INVALID"
    message = "blob upload invalid"


class ManifestUnknown(RegistryError):
    """This repository has no such manifest or tag."""

    code = "MANIFEST_UNKNOWN"
    message = "manifest unknown"


class ManifestInvalid(RegistryError):
    """The document is not a manifest that this registry takes."""

    code = "MANIFEST_INVALID"
    message = "manifest invalid"


class ManifestUnverified(RegistryError):
    """A signature on the manifest is not good."""

    code = "MANIFEST_UNVERIFIED"
    message = "manifest failed signature verification"


class ManifestBlobUnknown(RegistryError):
    """The manifest names content that this repository has not got; ``detail`` holds the digest."""

    code = "MANIFEST_BLOB_UNKNOWN"
    message = "blob unknown to registry"


class ManifestTooLarge(RegistryError):
    """The manifest is larger than this registry takes."""

    code = "SIZE_INVALID"
    message = "manifest too large"


class PreconditionFailed(RegistryError):
    """``If-Match`` or ``If-None-Match`` did not hold for the tag as it stands."""

    code = "DENIED"
    message = "precondition failed"


class RangeInvalid(RegistryError):
    """No part of the content lies in the requested range; ``size`` is the length of the whole."""

    code = "SIZE_INVALID"
    message = "requested range not satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(detail={"size": size})
        self.size = size


class Unsupported(RegistryError):
    """The operation is switched off or not offered here."""

    code = "UNSUPPORTED"
    message = "the operation is unsupported"


class Unauthorized(RegistryError):
    """Credentials are missing or not enough."""

    code = "UNAUTHORIZED"
    message = "authentication required"


class Denied(RegistryError):
    """A rule refuses this to this caller."""

    code = "DENIED"
    message = "requested access to the resource is denied"


class TooManyRequests(RegistryError):
    """The caller is over a limit."""

    code = "TOOMANYREQUESTS"
    message = "too many requests"


class Unavailable(RegistryError):
    """The backend does not answer as it should; trying again later may help.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    code = "UNAVAILABLE"
    message = "service unavailable"

    def __init__(self, message: str | None = None, *, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Problems(RegistryError):
    """Several refusals of one request; the first decides the status."""

    def __init__(self, errors: Sequence[RegistryError]) -> None:
        super().__init__(errors[0].text)
        self.errors = tuple(errors)
