"""``/v2/{name}/blobs/{digest}``: pull and delete of blobs (distribution-spec, end-2 and end-10)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api import conditions
from app.api.blobresponse import BlobResponse
from app.api.ranges import Span, parse_range
from app.oci.mediatype import OCTET_STREAM

if TYPE_CHECKING:
    from aiohttp.web import StreamResponse

    from app.api.call import Call
    from app.oci.digest import Digest
    from app.registry.contracts import Repository


async def pull(call: Call, repository: Repository, digest: Digest) -> StreamResponse:
    """Answer GET and HEAD. The digest in the answer is the one that was asked for; content never changes.

    A GET whose answer has left whole, all of the blob or some ranges of it, is told to listeners as a pull. HEAD and
    304 move no bytes and are none.
    """
    blob = await repository.blobs.open(digest)
    size = blob.descriptor.size
    headers = {
        "Docker-Content-Digest": digest,
        "ETag": f'"{digest}"',
        "Cache-Control": "max-age=31536000, immutable",
    }
    conditions.check_match(call.headers, digest)
    if conditions.not_modified(call.headers, digest):
        return Response(status=304, headers=headers)
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Type"] = OCTET_STREAM
    if call.head:
        return Response(headers={**headers, "Content-Length": str(size)})
    spans: tuple[Span, ...] = ()
    if conditions.range_applies(call.headers, digest):
        spans = parse_range(call.headers.get("Range", ""), size)
    pulled = partial(repository.blobs.pulled, blob.descriptor)
    return BlobResponse(blob, spans, headers, call.services, pulled)


async def delete(call: Call, repository: Repository, digest: Digest) -> Response:
    """Answer DELETE: this repository does not see the blob any more."""
    del call
    await repository.blobs.delete(digest)
    return Response(status=202)
