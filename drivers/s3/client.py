"""S3 in a few verbs, spoken in the driver's paths and errors.

Every verb is one request, and more only when one fails. Conditional writes are in `swap`, uploads in parts in
`multipart`; they make their requests here, too.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from drivers.contract import FileInfo
from drivers.errors import PathNotFound
from drivers.paths import below
from drivers.s3.answers import Body, version_of
from drivers.s3.content import Content
from drivers.s3.faults import PreconditionFailedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.contract import Part, Version
    from drivers.s3.attempts import Attempts, Tries
    from drivers.s3.settings import S3Settings

MARK: Final = "moorage-write"
"""The metadata that tells one write from another with the same content, when an answer was lost."""

BATCH: Final = 1000
"""Keys of one listing or one batch delete, at most."""

_SMALL: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a listing; *files* and names of *folders* are in order of their keys, *more* asks for the next."""

    files: tuple[FileInfo, ...]
    folders: tuple[str, ...]
    more: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an object without reading it; *token* is that of the write that made it, if it had one."""

    info: FileInfo
    version: Version
    token: str


class Client:
    """One bucket.

    Args:
        api: the SDK's client.
        settings: where in the bucket, and what every object is to have.
        attempts: how often to try.
    """

    def __init__(self, api: Any, settings: S3Settings, attempts: Attempts) -> None:
        root = settings.rootdirectory.strip("/")
        self._root: Final = f"{root}/" if root else ""
        self._api: Final = api
        self._settings: Final = settings
        self._attempts: Final = attempts
        self.kind: Final[Mapping[str, Any]] = _kind(settings)

    def key(self, path: str) -> str:
        """Return the key of the object at *path*."""
        return f"{self._root}{path[1:]}" if path else ""

    def path(self, key: str) -> str:
        """Return where the object with *key* is, which lies below the root."""
        return f"/{key[len(self._root) :]}"

    async def head(self, path: str) -> Head:
        """Return what is known of a file.

        Raises:
            PathNotFound: there is none.
        """
        answer = await self.ask("head_object", path)
        info = FileInfo(path, answer["ContentLength"], answer["LastModified"])
        return Head(info, version_of(answer), answer.get("Metadata", {}).get(MARK, ""))

    async def get(
        self, path: str, *, version: Version | None = None, start: int = 0, stop: int | None = None
    ) -> tuple[bytes, Version]:
        """Return the bytes of a small file from *start* up to, not including, *stop*, and its version.

        Raises:
            PathNotFound: there is none.
            PreconditionFailedError: it is not of this *version*.
            RangeError: *start* is at or beyond its end.
        """

        async def attempt() -> tuple[bytes, Version]:
            body = await self._open(path, version, start, stop)
            async with body.stream as stream:
                content: bytes = await stream.read()
            end = body.stop(stop)
            if end is not None and body.start + len(content) < end:
                raise TransientError(f"{path}: {len(content)} bytes came, and {end - body.start} were to come")
            if body.start < start or stop is not None:
                content = content[start - body.start : None if stop is None else stop - body.start]
            return content, body.version

        return await self._attempts.run(path, attempt, seconds=self._settings.requesttimeout)

    async def open(self, path: str, *, version: Version | None = None, start: int = 0, stop: int | None = None) -> Body:
        """Begin to read a file; the caller closes the stream. Errors as in `get`."""
        attempt = partial(self._open, path, version, start, stop)
        return await self._attempts.run(path, attempt, seconds=self._settings.requesttimeout)

    async def put(self, path: str, content: bytes | Content) -> Version:
        """Write an object whole, over what was there."""
        return version_of(await self.ask("put_object", path, content=content, check=version_of, **self.kind))

    async def copy(self, part: Part, target: str) -> None:
        """Write an object that has the bytes of another, of at most 5 GiB.

        Raises:
            PathNotFound: the other is gone, or of another version.
        """
        try:
            await self.ask(
                "copy_object",
                target,
                slow=True,
                settle=True,
                check=lambda answer: version_of(answer.get("CopyObjectResult", {})),
                CopySource=self.source(part.path),
                CopySourceIfMatch=part.version,
                **self.kind,
            )
        except (PathNotFound, PreconditionFailedError):
            raise PathNotFound(part.path) from None

    async def delete(self, path: str) -> None:
        """Remove an object; its absence is no error."""
        with suppress(PathNotFound):
            await self.ask("delete_object", path, settle=True)

    async def delete_many(self, paths: Sequence[str]) -> Sequence[str]:
        """Remove up to `BATCH` objects with one request; return those for which it failed.

        Raises:
            NotSupportedError: the store knows no such request.
        """
        keys = {self.key(path): path for path in paths}
        delete = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = await self.ask("delete_objects", paths[0], key=False, slow=True, settle=True, Delete=delete)
        failed = (error for error in answer.get("Errors", ()) if error.get("Code") != "NoSuchKey")
        return [keys[error["Key"]] for error in failed if error.get("Key") in keys]

    async def page(
        self, folder: str, *, deep: bool, after: str = "", more: str | None = None, most: int = BATCH
    ) -> Page:
        """List what is below *folder*.

        Args:
            folder: its path.
            deep: all files below it, instead of the files and folders in it.
            after: a path; only keys that sort after its key.
            more: what the page before said.
            most: files and folders of one page.
        """
        prefix = self.key(below(folder))
        parameters: dict[str, Any] = {"Prefix": prefix, "MaxKeys": most}
        if not deep:
            parameters["Delimiter"] = "/"
        if more is not None:
            parameters["ContinuationToken"] = more
        elif start := self.key(after):
            parameters["StartAfter"] = start
        answer = await self.ask("list_objects_v2", folder, key=False, check=_goes_on, **parameters)
        return Page(
            files=tuple(
                FileInfo(self.path(each["Key"]), each["Size"], each["LastModified"])
                for each in answer.get("Contents", ())
            ),
            folders=tuple(each["Prefix"][len(prefix) : -1] for each in answer.get("CommonPrefixes", ())),
            more=answer["NextContinuationToken"] if answer.get("IsTruncated") else None,
        )

    async def ask(
        self,
        operation: str,
        path: str,
        *,
        key: bool = True,
        content: bytes | Content | None = None,
        slow: bool = False,
        settle: bool = False,
        patience: float = 1.0,
        tries: Tries | None = None,
        check: Callable[[Mapping[str, Any]], object] | None = None,
        **parameters: Any,
    ) -> Mapping[str, Any]:
        """Make one of the SDK's requests, and again while it fails in a way that may pass.

        Args:
            operation: the SDK's name for it.
            path: what it is about.
            key: the path is that of an object.
            content: goes with it; it then changes something.
            slow: it moves content.
            settle: it changes something, so a cancellation waits for its end.
            patience: how many times the usual timeout it may take.
            tries: told of failed attempts.
            check: raises a TransientError if the answer can't be what the store meant.
            **parameters: the SDK's.

        Raises:
            DriverError: or one of `faults`: what the answer means.
        """
        if key:
            parameters["Key"] = self.key(path)
        request = partial(getattr(self._api, operation), Bucket=self._settings.bucket, **parameters)

        async def call() -> Mapping[str, Any]:
            answer: Mapping[str, Any]
            if sent is None:
                answer = await request()
            else:
                body = sent.again()
                try:
                    answer = await request(Body=body)
                finally:
                    body.forget()
            if check is not None:
                check(answer)
            return answer

        sent = content if content is None or isinstance(content, Content) else Content([content])
        if sent is not None:
            await self._hash(sent)
            settle = True
            slow = slow or len(sent) > _SMALL
        seconds = patience * (self._settings.transfertimeout if slow else self._settings.requesttimeout)
        return await self._attempts.run(path, call, seconds=seconds, settle=settle, tries=tries)

    def source(self, path: str) -> Mapping[str, str]:
        """Return the name of *path* as the source of a copy."""
        return {"Bucket": self._settings.bucket, "Key": self.key(path)}

    async def _hash(self, content: Content) -> None:
        """Let the store be told the digest where that costs little, or where nothing else guards what is sent."""
        if content.sha256:
            return
        if len(content) <= _SMALL:
            content.hash()
        elif not self._settings.tls:
            await asyncio.to_thread(content.hash)

    async def _open(self, path: str, version: Version | None, start: int, stop: int | None) -> Body:
        parameters: dict[str, str] = {}
        if start or stop is not None:
            parameters["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        if version is not None:
            parameters["IfMatch"] = version
        answer = await self._api.get_object(Bucket=self._settings.bucket, Key=self.key(path), **parameters)
        return Body.of(answer, start)


def _goes_on(answer: Mapping[str, Any]) -> None:
    if answer.get("IsTruncated") and not answer.get("NextContinuationToken"):
        raise TransientError("a listing was cut and does not say where")


def _kind(settings: S3Settings) -> dict[str, str]:
    kind = {"ContentType": "application/octet-stream"}
    if settings.storageclass not in {"", "NONE", "STANDARD"}:
        kind["StorageClass"] = settings.storageclass
    if settings.objectacl != "private":  # which is what a new object has
        kind["ACL"] = settings.objectacl
    if settings.encrypt:
        kind["ServerSideEncryption"] = "aws:kms" if settings.keyid else "AES256"
    if settings.keyid:
        kind["SSEKMSKeyId"] = settings.keyid
    return kind
