"""Requests signed over a digest of their content that is known already: the SDK would read all of it once more.

The store computes the digest of what arrives and refuses what differs (Amazon's "Signature Calculations for the
Authorization Header: Transferring Payload in a Single Chunk", header ``x-amz-content-sha256``).
"""

from __future__ import annotations

from typing import Any, Final

from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth

_SDKS: Final = "s3v4"
_OURS: Final = "moorage-s3v4"


class _KnownPayload(S3SigV4Auth):  # type: ignore[misc] # the SDK ships no types
    """The SDK's signature, which it knows no other way to give a digest: it drops the header and computes it anew."""

    def payload(self, request: Any) -> str:
        return getattr(request.body, "sha256", "") or str(super().payload(request))


AUTH_TYPE_MAPS[_OURS] = _KnownPayload  # the SDK's registry of signatures; ours has a name of its own


def sign_what_is_known(events: Any) -> None:
    """Let requests with a `drivers.s3.content.Content` that has a digest be signed over it."""
    for operation in ("PutObject", "UploadPart"):
        events.register(f"choose-signer.s3.{operation}", _choose)


def _choose(signature_version: Any, **_: Any) -> str | None:
    return _OURS if signature_version == _SDKS else None
