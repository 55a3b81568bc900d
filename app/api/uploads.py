"""``/v2/{name}/blobs/uploads/``: blobs on their way in (distribution-spec, end-4 to end-6, end-11, end-13, end-14)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api.ranges import parse_chunk
from app.oci.digest import Algorithm, Digest
from app.oci.errors import BlobUnknown, DigestInvalid, NameInvalid, SizeInvalid
from app.oci.reference import RepositoryName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.api.call import Call
    from app.registry.contracts import Repository, UploadSession


async def start(call: Call, repository: Repository) -> Response:
    """Answer POST: mount a blob, take one whole, or begin a session."""
    query = call.query
    if "mount" in query:
        digest = Digest.parse(query["mount"])
        async for source in _sources(call, digest):
            with suppress(BlobUnknown):
                await repository.blobs.mount(source, digest)
                return _created(call, repository, digest)
    elif "digest" in query:
        return await _whole(call, repository, Digest.parse(query["digest"]))
    name = query.get("digest-algorithm")
    session = repository.blobs.begin(Algorithm.parse(name) if name else None)
    return Response(status=202, headers=call.session_headers(session))


async def status(call: Call, repository: Repository, session_id: str) -> Response:
    """Answer GET and HEAD: how far the session is, and where to go on."""
    session = await repository.blobs.status(_session(call, repository, session_id))
    return Response(status=204, headers=call.session_headers(session))


async def append(call: Call, repository: Repository, session_id: str) -> Response:
    """Answer PATCH: a stream, or a chunk that says with Content-Range where it belongs.

    Of a body that is cut off what came is kept, and the status tells how much that is.
    """
    session = _session(call, repository, session_id)
    chunk = parse_chunk(call.headers.get("Content-Range"), call.body.length)
    async with repository.blobs.resume(
        session, offset=None if chunk is None else chunk.start, size=call.body.length
    ) as writer:
        received = await call.body.pour(writer)
        if chunk is not None and received > len(chunk):
            raise SizeInvalid("the body is longer than its Content-Range", detail={"received": received})
        parked = await writer.park()
    call.body.require_whole()
    if chunk is not None and received < len(chunk):
        raise SizeInvalid(
            "the body is shorter than its Content-Range; what came is kept", detail={"received": received}
        )
    return Response(status=202, headers=call.session_headers(parked))


async def close(call: Call, repository: Repository, session_id: str) -> Response:
    """Answer PUT: take the rest, if there is any, check the digest and publish."""
    session = _session(call, repository, session_id)
    if "digest" not in call.query:
        raise DigestInvalid("the digest parameter is missing")
    digest = Digest.parse(call.query["digest"])
    chunk = parse_chunk(call.headers.get("Content-Range"), call.body.length)
    new = session.record is None and not session.foreign
    if new and call.body.present and (chunk is None or chunk.start == 0):
        return await _whole(call, repository, digest)  # nothing came before: the session has served its purpose
    offset = None if chunk is None else chunk.start
    async with repository.blobs.resume(session, offset=offset, closing=digest, size=call.body.length) as writer:
        received = await call.body.pour(writer)
        call.body.require_whole()
        if chunk is not None and received != len(chunk):
            raise SizeInvalid("the body has not the length of its Content-Range", detail={"received": received})
        await writer.commit(digest)
    return _created(call, repository, digest)


async def cancel(call: Call, repository: Repository, session_id: str) -> Response:
    """Answer DELETE: the session ends and what it stored goes."""
    await repository.blobs.cancel(_session(call, repository, session_id))
    return Response(status=204)


async def _whole(call: Call, repository: Repository, digest: Digest) -> Response:
    """Take a blob whose digest came with it."""
    async with repository.blobs.create(digest, size=call.body.length) as writer:
        await call.body.pour(writer)
        call.body.require_whole()
        await writer.commit(digest)
    return _created(call, repository, digest)


def _created(call: Call, repository: Repository, digest: Digest) -> Response:
    headers = {"Location": call.locations.blob(repository.name, digest), "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)


def _session(call: Call, repository: Repository, session_id: str) -> UploadSession:
    return call.services.sealer.unseal(call.query.get("_state", ""), repository.name, session_id)


async def _sources(call: Call, digest: Digest) -> AsyncIterator[RepositoryName]:
    """The repositories to mount from that the caller may pull from: the one named, or whoever is known to have it."""
    named = call.query.get("from", "")
    if not named:
        async for holder in call.services.namespace.holders(digest):
            if await call.may_pull(holder):
                yield holder
        return
    with suppress(NameInvalid):  # such a repository does not exist, and what can't be mounted is uploaded
        source = RepositoryName.parse(named)
        if await call.may_pull(source):
            yield source
