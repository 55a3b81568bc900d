"""``/v2/{name}/manifests/{reference}``: pull, push and delete of manifests (distribution-spec, end-3, 7, 9 and 10).

What was pushed is served as it was pushed, whatever Accept says.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api import conditions
from app.api.problems import TooManyTags
from app.oci.digest import Digest
from app.oci.errors import ManifestUnknown, PreconditionFailed
from app.oci.mediatype import essence
from app.oci.reference import Tag

if TYPE_CHECKING:
    from app.api.call import Call
    from app.oci.reference import Reference
    from app.registry.contracts import Precondition, Repository


async def pull(call: Call, repository: Repository, reference: Reference) -> Response:
    """Answer GET and HEAD. A GET that is answered with the manifest is told to listeners as a pull."""
    stored = await repository.manifests.get(reference)
    headers = {"Docker-Content-Digest": stored.digest, "ETag": f'"{stored.digest}"'}
    conditions.check_match(call.headers, stored.digest)
    if conditions.not_modified(call.headers, stored.digest):
        return Response(status=304, headers=headers)
    headers["Content-Type"] = stored.manifest.media_type
    if not call.head:
        repository.manifests.pulled(stored, tag=None if isinstance(reference, Digest) else reference)
    return Response(body=stored.manifest.raw, headers=headers)


async def push(call: Call, repository: Repository, reference: Reference) -> Response:
    """Answer PUT, with ``tag`` parameters where the path has a digest."""
    manifests = repository.manifests
    condition = conditions.precondition(call.headers)
    if isinstance(reference, Digest):
        digest, tags = reference, _tag_parameters(call)
        await _check_revision(repository, reference, condition)
        condition = None
    else:
        digest, tags = None, [reference]
    content = await call.body.read(call.settings.manifest_limit)
    media_type = essence(call.headers.get("Content-Type", ""))
    stored = await manifests.put(content, media_type, digest=digest, tags=tags, precondition=condition)
    headers = {
        "Location": call.locations.manifest(repository.name, stored.digest),
        "Docker-Content-Digest": stored.digest,
    }
    if stored.manifest.subject is not None:
        headers["OCI-Subject"] = stored.manifest.subject.digest
    if digest is not None and tags:
        headers["OCI-Tag"] = ", ".join(tags)
    return Response(status=201, headers=headers)


async def delete(call: Call, repository: Repository, reference: Reference) -> Response:
    """Answer DELETE: of a tag, which leaves the manifest, or of a manifest with all its tags."""
    condition = conditions.precondition(call.headers)
    if isinstance(reference, Digest):
        await _check_revision(repository, reference, condition)
        await repository.manifests.delete(reference)
    else:
        await repository.tags.delete(reference, precondition=condition)
    return Response(status=202)


def _tag_parameters(call: Call) -> list[Tag]:
    values = call.query.every("tag")
    if len(values) > call.settings.tag_limit:
        raise TooManyTags(detail={"limit": call.settings.tag_limit})
    return list(dict.fromkeys(Tag.parse(value) for value in values))


async def _check_revision(repository: Repository, digest: Digest, condition: Precondition | None) -> None:
    """Compare a condition with a manifest that is named by digest: all that can vary is whether it is there."""
    if condition is None:
        return
    there = False
    with suppress(ManifestUnknown):
        await repository.manifests.resolve(digest)
        there = True
    wanted = condition.any or condition.digests is not None
    named = condition.digests is None or digest in condition.digests
    unwanted = condition.absent or digest in condition.unlike
    if (wanted and not (there and named)) or (unwanted and there):
        raise PreconditionFailed(detail={"etag": digest if there else None})
