"""The nouns of the domain and what each promises.

A `BlobStatter` turns a digest into a descriptor, the only metadata a read needs. Reading (`BlobProvider`) and writing
(`BlobIngester`) are separate services. Absence is an exception of `app.oci.errors`; a failing backend is
`drivers.errors.Unavailable`, untouched. Nothing here knows HTTP.

On cancellation a read leaves nothing behind, and a write has either happened whole or left only what the purge
or the collector takes away: bytes are written before links, links before tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.oci.errors import BlobUploadInvalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from app.oci.descriptor import Descriptor
    from app.oci.digest import Algorithm, Digest
    from app.oci.manifest import Manifest
    from app.oci.reference import Reference, RepositoryName, Tag


@dataclass(frozen=True, slots=True)
class UploadSession:
    """Where an upload stands: all that a ``Location`` carries, under a MAC (`app/api/sealed.py`).

    Attributes:
        repository: the repository it belongs to.
        id: the session's name, a UUID.
        offset: bytes acknowledged.
        record: name of the record that acknowledges them; ``None``: nothing is stored yet.
        nonce: that of the record; a record with another one counts as absent.
        started: when the session began, in UTC.
        algorithm: the digest algorithm announced for it; ``None``: not announced.
        foreign: the Go registry began it, and *offset* is what its client was told; nothing is known of its bytes here.
    """

    repository: RepositoryName
    id: str
    started: datetime
    offset: int = 0
    record: str | None = None
    nonce: str | None = None
    algorithm: Algorithm | None = None
    foreign: bool = False


class UploadOutOfOrder(BlobUploadInvalid):
    """The bytes do not continue what is acknowledged. *session* is where the upload stands; it lives on."""

    message = "chunk out of order: continue from the offset in the Range header"

    def __init__(self, session: UploadSession) -> None:
        super().__init__(detail={"offset": session.offset})
        self.session = session


class BlobStatter(Protocol):
    """Digest to descriptor."""

    async def stat(self, digest: Digest, /) -> Descriptor:
        """Return the descriptor; its digest is the canonical one, also when another was asked for.

        Raises:
            BlobUnknown: not visible here.
        """
        ...


class OpenBlob(Protocol):
    """A blob that may be read: the access check is done, the path is known, no byte is read yet."""

    @property
    def descriptor(self) -> Descriptor:
        """Size and canonical digest."""
        ...

    async def read(self) -> bytes:
        """Return a small blob whole.

        Raises:
            BlobUnknown: the bytes turned out to be missing.
        """
        ...

    def stream(self, start: int, stop: int, /) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream the bytes from *start* up to, not including, *stop*.

        Raises:
            BlobUnknown: on entering: the bytes turned out to be missing.
            Unavailable: in the stream: fewer bytes came than the descriptor promises.
        """
        ...

    def file(self) -> AbstractAsyncContextManager[int] | None:
        """A file descriptor for sendfile, or ``None`` where the driver has none.

        Raises:
            BlobUnknown: on entering: the bytes turned out to be missing.
        """
        ...

    async def redirect(self) -> str | None:
        """A URL that GETs the blob from the backend, for some minutes, or ``None`` where there are none.

        The backend is not asked, so nobody has looked whether the bytes are there.

        Raises:
            Unavailable: there is nobody to sign it.
        """
        ...


class BlobProvider(Protocol):
    """Bytes by digest."""

    async def get(self, digest: Digest, /) -> bytes:
        """Return a small blob whole.

        Raises:
            BlobUnknown: not visible here.
        """
        ...

    async def open(self, digest: Digest, /) -> OpenBlob:
        """Check access and work out where the bytes are.

        Raises:
            BlobUnknown: not visible here.
        """
        ...


class BlobWriter(Protocol):
    """A blob on its way in. Use it as ``async with``.

    Leaving the block without `park` or `commit` drops what this writer wrote; what the session had acknowledged before
    stays.
    """

    @property
    def batch_size(self) -> int:
        """Bytes that one `write` handles best; the caller keeps that much memory reserved."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the whole blob so far."""
        ...

    async def write(self, chunk: bytes, /) -> None:
        """Hash and store *chunk*."""
        ...

    async def park(self) -> UploadSession:
        """Acknowledge what was written: any process can carry on from the session returned.

        Raises:
            UploadOutOfOrder: somebody else acknowledged other bytes at this offset.
            BlobUploadUnknown: the session was ended meanwhile.
        """
        ...

    async def commit(self, digest: Digest, /) -> Descriptor:
        """Publish the bytes under their digest and link them into the repository.

        Readers see the whole blob or none. The descriptor has the canonical digest.

        Raises:
            DigestInvalid: the bytes have another digest; nothing of them is left, the session is over.
            UploadOutOfOrder, BlobUploadUnknown: as for `park`.
        """
        ...

    async def __aenter__(self) -> Self:
        """Return the writer itself."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of locks and memory."""
        ...


class BlobIngester(Protocol):
    """Ways in."""

    async def put(self, content: bytes, media_type: str, /) -> Descriptor:
        """Store a small blob whole and link it."""
        ...

    def begin(self, algorithm: Algorithm | None = None, /) -> UploadSession:
        """Name a new session. Stores nothing."""
        ...

    def create(self, digest: Digest, /, *, size: int | None = None) -> AbstractAsyncContextManager[BlobWriter]:
        """Open a writer for a body whose digest is announced with it: no session, straight to its final place.

        *size* is how much the client says will come, if it says so; nothing is promised or refused by it.
        """
        ...

    def resume(
        self,
        session: UploadSession,
        /,
        *,
        offset: int | None = None,
        closing: Digest | None = None,
        size: int | None = None,
    ) -> AbstractAsyncContextManager[BlobWriter]:
        """Open a writer that continues *session*; *offset*, if given, is where the client believes it stands.

        *size* is how much the client says will come now, if it says so.

        *closing* is the digest of a request that ends the session with its body. Such a request is not refused on
        entering when the session is over: an earlier one like it may have done its work, which only `commit` can tell.

        Raises:
            BlobUploadUnknown: on entering: the session is over.
            UploadOutOfOrder: on entering: *offset* is not where it stands, or it went on without this Location.
        """
        ...

    async def status(self, session: UploadSession, /) -> UploadSession:
        """Return where the session stands now, which may be further on than *session*.

        Raises:
            BlobUploadUnknown: the session is over.
        """
        ...

    async def cancel(self, session: UploadSession, /) -> None:
        """End the session and remove what it stored.

        Raises:
            BlobUploadUnknown: it is over already.
        """
        ...


class BlobStore(BlobStatter, BlobProvider, BlobIngester, Protocol):
    """One repository's view of the blobs."""

    async def mount(self, source: RepositoryName, digest: Digest, /) -> Descriptor:
        """Make a blob of *source* visible here. The right to pull from *source* is the caller's business.

        Raises:
            BlobUnknown: *source* does not see it.
        """
        ...

    async def delete(self, digest: Digest, /) -> None:
        """Take the blob out of this repository's view, its aliases too; the bytes stay for the collector.

        Raises:
            BlobUnknown: it is not visible here.
        """
        ...

    def pulled(self, descriptor: Descriptor, /) -> None:
        """Tell listeners that the blob was read: whoever moves the bytes knows, and has the descriptor already."""
        ...


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed, and the digest that answers this request."""

    manifest: Manifest
    digest: Digest


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold for a tag when it is written or removed (RFC 9110 section 13).

    Attributes:
        absent: the tag must not exist (``If-None-Match: *``).
        digests: the tag must point to one of these (``If-Match``); ``None``: no such condition.
        any: the tag must exist (``If-Match: *``).
        unlike: the tag must not point to any of these (``If-None-Match`` with a list).
    """

    absent: bool = False
    digests: frozenset[str] | None = None
    any: bool = False
    unlike: frozenset[str] = frozenset()


class ManifestStore(Protocol):
    """Manifests of one repository, by tag or digest."""

    async def resolve(self, reference: Reference, /) -> Digest:
        """Return the digest that *reference* stands for: a tag's is the one it was pushed with.

        Raises:
            ManifestUnknown: no such tag, or the digest is not visible here as a manifest.
        """
        ...

    async def get(self, reference: Reference, /) -> StoredManifest:
        """Return a manifest, its bytes exactly as pushed.

        Raises:
            ManifestUnknown: not visible here.
        """
        ...

    async def put(
        self,
        content: bytes,
        media_type: str,
        /,
        *,
        digest: Digest | None = None,
        tags: Sequence[Tag] = (),
        precondition: Precondition | None = None,
    ) -> StoredManifest:
        """Check, store, link and tag a manifest.

        *media_type* is empty when the client named none. *digest* is the one in the request's path, if any; the answer
        carries it, and the tags remember it. With *precondition* there is exactly one tag.

        Raises:
            ManifestInvalid, SizeInvalid: the document is refused.
            DigestInvalid: the content is not that of *digest*.
            ManifestBlobUnknown, Problems: references that are not visible in this repository.
            PreconditionFailed: the tag is not as it must be.
        """
        ...

    def pulled(self, stored: StoredManifest, /, *, tag: Tag | None = None) -> None:
        """Tell the listeners that *stored* was sent to a client, who asked for it by *tag* if that is given."""
        ...

    async def delete(self, digest: Digest, /) -> None:
        """Remove a manifest, every tag that points to it, and its entry in its subject's referrers.

        Raises:
            ManifestUnknown: not visible here.
        """
        ...


class TagStore(Protocol):
    """Tags of one repository."""

    def list(self, *, after: str = "") -> AsyncIterator[Tag]:
        """Yield the tags after *after* in byte order.

        Raises:
            NameUnknown: there is no such repository.
        """
        ...

    async def delete(self, tag: Tag, /, *, precondition: Precondition | None = None) -> None:
        """Remove a tag and its history; the manifest stays.

        Raises:
            ManifestUnknown: there is no such tag.
            PreconditionFailed: it is not as it must be.
        """
        ...


class Referrers(Protocol):
    """Which manifests of one repository name a digest as their subject."""

    def list(self, subject: Digest, /, *, artifact_type: str = "", after: str = "") -> AsyncIterator[Descriptor]:
        """Yield their descriptors in order of digest, those after the digest *after*; all types if none is given."""
        ...


class Repository(Protocol):
    """One repository: cheap, built per request."""

    @property
    def name(self) -> RepositoryName: ...
    @property
    def blobs(self) -> BlobStore: ...
    @property
    def manifests(self) -> ManifestStore: ...
    @property
    def tags(self) -> TagStore: ...
    @property
    def referrers(self) -> Referrers: ...


class Namespace(Protocol):
    """Everything one process serves."""

    def repository(self, name: RepositoryName, /) -> Repository:
        """Return the view of one repository, which need not exist."""
        ...

    def catalog(self, *, after: str = "") -> AsyncIterator[RepositoryName]:
        """Yield the repositories that have or had a manifest, after *after* in byte order of the names."""
        ...

    def holders(self, digest: Digest, /) -> AsyncIterator[RepositoryName]:
        """Yield repositories that see the layer *digest*, those last heard of first; a bounded search."""
        ...
