"""What a storage driver promises: bytes by path.

A path is absolute, ``/``-separated, of ``[A-Za-z0-9._-]`` components (`drivers/paths.py`). Folders are not
things of their own: one exists exactly while a file exists below it. The contract suite in
`tests/contracts/` runs against every driver; an outside driver proves itself with it.

Everywhere: errors are those of `drivers/errors.py`; after cancellation or a failure a write has either happened
whole or left nothing that `get`, `stat`, `list` or `walk` can see. What `put`, `create`, `swap`, `commit`,
`compose` and `publish` have returned from survives a power cut.

Optional powers are separate little protocols, asked for once, when the registry is put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

Version = NewType("Version", str)
"""An opaque mark of a file's content (an ETag): equal marks mean equal bytes."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file or folder as the backend sees it; *modified* is on the backend's clock, in UTC."""

    path: str
    size: int
    modified: datetime
    is_dir: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A whole file that becomes part of another; *version* guards against its being another one by then."""

    path: str
    size: int
    version: Version


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """A multipart upload that was begun towards *path* at *started*, on the backend's clock; *id* names it there."""

    path: str
    id: str
    started: datetime


class FileWriter(Protocol):
    """A new file on its way. Nothing can be seen at its path before `commit`."""

    @property
    def size(self) -> int:
        """Bytes accepted so far."""
        ...

    async def write(self, chunk: bytes, /) -> None:
        """Append *chunk*.

        Raises:
            Unavailable: the backend failed; the file cannot be committed any more.
        """
        ...

    async def commit(self, *, sha256: str = "") -> Version:
        """Publish the whole file at its path, atomically, over what was there. Nothing may follow.

        *sha256*, where the caller knows it, is the digest of the whole file in hex. A backend that can looks whether
        that is what has arrived.

        Raises:
            Unavailable: the backend failed; the file cannot be committed any more.
        """
        ...


class Driver(Protocol):
    """Bytes by path."""

    @property
    def name(self) -> str:
        """The name in the configuration: ``filesystem``, ``s3``, ``inmemory``."""
        ...

    async def get(self, path: str, /) -> bytes:
        """Return a small file whole.

        Raises:
            PathNotFound: there is no file.
        """
        ...

    async def put(self, path: str, content: bytes, /) -> None:
        """Replace a small file atomically, creating the folders above it."""
        ...

    async def stat(self, path: str, /, *, file: bool = False) -> FileInfo:
        """Return what is at *path*, a file or a folder; with *file* only a file counts.

        An object store has no folders, and needs a second request to find that there is none.

        Raises:
            PathNotFound: nothing is.
        """
        ...

    def reader(
        self, path: str, /, *, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a file and stream its bytes from *offset*, *length* of them or to its end.

        An offset at or beyond the end yields nothing.

        Raises:
            PathNotFound: on entering: there is no file.
            InvalidOffset: on entering: the offset is negative.
            Unavailable: the backend failed, also when bytes that it promised do not come.
        """
        ...

    def writer(self, path: str, /, *, size: int | None = None) -> AbstractAsyncContextManager[FileWriter]:
        """Begin a new file. Leaving the block without `FileWriter.commit` drops it without a trace.

        *size*, where the caller knows it, is how much is likely to come; nothing is promised or refused by it.
        """
        ...

    def list(self, path: str, /, *, after: str = "") -> AsyncIterator[str]:
        """Yield the *names* (not paths) directly below a folder that sort after *after*, in byte order of the names.

        Raises:
            PathNotFound: there is no such folder (an exhausted one with *after* set may yield nothing instead).
        """
        ...

    def walk(self, path: str, /, *, after: str = "") -> AsyncIterator[FileInfo]:
        """Yield every *file* below a folder whose path sorts after the path *after*, in byte order of the paths.

        A folder that is not there yields nothing. Files that come or go meanwhile may or may not be seen; no other
        file is missed or seen twice.
        """
        ...

    async def move(self, source: str, target: str, /) -> None:
        """Rename a file over *target*.

        Raises:
            PathNotFound: *source* is absent; *target* is untouched.
        """
        ...

    async def delete(self, path: str, /) -> None:
        """Remove one file. Absence is no error: an object store cannot tell without another call."""
        ...

    async def delete_tree(self, path: str, /) -> None:
        """Remove everything below a folder (never a sibling whose name only begins alike). Absence is no error."""
        ...


@runtime_checkable
class SupportsCompareAndSwap(Protocol):
    """Writes that happen only if the file is as the caller believes."""

    async def get_version(self, path: str, /) -> tuple[bytes, Version]:
        """Return a small file and the mark of its content.

        Raises:
            PathNotFound: there is no file.
        """
        ...

    async def create(self, path: str, content: bytes, /, *, durable: bool = True) -> Version:
        """Write a file that must not exist yet; with *durable* off a power cut may take it again.

        Raises:
            Conflict: it exists.
        """
        ...

    async def swap(self, path: str, content: bytes, version: Version, /) -> Version:
        """Replace a file whose content must still be *version*.

        Raises:
            Conflict: it is another one, or gone.
        """
        ...

    async def remove(self, path: str, version: Version, /) -> None:
        """Remove a file whose content must still be *version*.

        Raises:
            Conflict: it is another one, or gone.
        """
        ...


@runtime_checkable
class SupportsSendfile(Protocol):
    """Files that the kernel can send to a socket by itself."""

    def open_file(self, path: str, /) -> AbstractAsyncContextManager[int]:
        """Hand out a read-only file descriptor, valid inside the block.

        Raises:
            PathNotFound: on entering: there is no file.
        """
        ...


@runtime_checkable
class SupportsCompose(Protocol):
    """Files put together from others on the backend's side."""

    async def compose(self, target: str, parts: Sequence[Part], tail: bytes = b"", /) -> None:
        """Publish at *target* the bytes of *parts*, in order, and then *tail*; the parts stay as they are.

        Raises:
            PathNotFound: a part is gone, or is no longer its version; *target* is untouched.
        """
        ...


@runtime_checkable
class SupportsDeleteFiles(Protocol):
    """Several files removed with one call to the backend."""

    async def delete_files(self, paths: Sequence[str], /) -> None:
        """Remove files, in no order. Absence is no error; when it fails, some may be left."""
        ...


@runtime_checkable
class SupportsRedirect(Protocol):
    """Files that a client can read from the backend by itself."""

    async def redirect_url(self, path: str, /) -> str:
        """Return a URL that GETs the file, for some minutes, whoever has it. The backend is not asked.

        Nobody looks whether there is a file.

        Raises:
            Unavailable: there is nobody to sign it.
        """
        ...


class Extension(Protocol):
    """A file held under an exclusive lock, to be extended and in the end published."""

    @property
    def size(self) -> int:
        """The file's length now."""
        ...

    async def truncate(self, size: int, /) -> None:
        """Cut the file to *size* bytes.

        Raises:
            InvalidOffset: it has fewer.
        """
        ...

    async def write(self, chunk: bytes, /) -> None:
        """Append *chunk*; readable at once by others, safe from a power cut only after `publish`."""
        ...

    async def publish(self, target: str, /) -> None:
        """Make the bytes durable and move the file to *target*, over what was there. Nothing may follow.

        Raises:
            PathNotFound: the name stopped being this file.
            Unavailable: the backend failed. If the bytes could not be made durable the file is gone: what is left of
                them must never be published.
        """
        ...


@runtime_checkable
class SupportsExtend(Protocol):
    """Files that can grow in place, one writer at a time, across processes of one host."""

    def extend(
        self, path: str, /, *, create: bool = False, wait: float = 10.0
    ) -> AbstractAsyncContextManager[Extension]:
        """Hold the file at *path* under an exclusive lock inside the block.

        With *create* the file is new (its name is the caller's own) and starts empty. Leaving the block keeps
        what was written, whatever happened in it.

        Raises:
            PathNotFound: on entering: there is no file, or the name stopped being this file while we waited.
            Conflict: on entering, with *create*: the file exists.
            Busy: on entering: the lock was not given back within *wait* seconds.
        """
        ...


@runtime_checkable
class SupportsMultipartPurge(Protocol):
    """Multipart uploads that nobody completed can be found and ended. Nothing on the way of a request asks for it."""

    def unfinished(self, folder: str, /, *, before: datetime) -> AsyncIterator[UnfinishedUpload]:
        """Yield the unfinished multipart uploads towards files below *folder* that were begun before *before*."""
        ...

    async def abort(self, upload: UnfinishedUpload, /) -> None:
        """End a multipart upload and drop its parts. Absence is no error."""
        ...
