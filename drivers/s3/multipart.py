"""One object on its way in parts. Until it is completed nothing can be seen; what is not completed costs money."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from drivers.errors import DriverError, PathNotFound, Unavailable
from drivers.s3.answers import version_of
from drivers.s3.attempts import Tries
from drivers.s3.client import MARK
from drivers.s3.faults import NoSuchUploadError, PreconditionFailedError, TransientError
from drivers.s3.settled import settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.contract import Part, Version
    from drivers.s3.client import Client
    from drivers.s3.content import Content

_log = logging.getLogger(__name__)

_COMPLETION: Final = 5.0  # of the usual timeout: the store may have to put 10,000 parts together


class Multipart:
    """An upload that has begun; either `complete` or `abort` it."""

    def __init__(self, client: Client, path: str, upload: str, token: str) -> None:
        self._client: Final = client
        self._path: Final = path
        self._upload: Final = upload
        self._token: Final = token
        self._parts: Final[dict[int, str]] = {}

    @classmethod
    async def create(cls, client: Client, path: str) -> Multipart:
        """Begin an object."""
        token = secrets.token_hex(12)
        answer = await client.ask(
            "create_multipart_upload",
            path,
            settle=True,
            check=lambda found: _expect(found, "UploadId"),
            Metadata={MARK: token},
            **client.kind,
        )
        return cls(client, path, answer["UploadId"], token)

    async def send(self, number: int, content: bytes | Content) -> None:
        """Upload a part. Sent again, it takes the place of what was there.

        Args:
            number: its place, from 1.
            content: at least 5 MiB but for the last.
        """
        answer = await self._send(number, content)
        self._parts[number] = version_of(answer)

    async def copy(self, number: int, part: Part, start: int, stop: int) -> None:
        """Copy bytes of another object as a part.

        Raises:
            PathNotFound: the other object is gone, or of another version.
        """
        whole = (start, stop) == (0, part.size)
        span: dict[str, Any] = {} if whole else {"CopySourceRange": f"bytes={start}-{stop - 1}"}
        try:
            answer = await self._client.ask(
                "upload_part_copy",
                self._path,
                slow=True,
                settle=True,
                check=lambda found: version_of(found.get("CopyPartResult", {})),
                UploadId=self._upload,
                PartNumber=number,
                CopySource=self._client.source(part.path),
                CopySourceIfMatch=part.version,
                **span,
            )
        except (PathNotFound, PreconditionFailedError):
            raise PathNotFound(part.path) from None
        except NoSuchUploadError:
            raise self._gone() from None
        self._parts[number] = version_of(answer["CopyPartResult"])

    async def complete(self) -> Version:
        """Publish the parts, in the order of their numbers, over what was there."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in sorted(self._parts.items())]
        tries = Tries()
        try:
            answer = await self._client.ask(
                "complete_multipart_upload",
                self._path,
                slow=True,
                settle=True,
                patience=_COMPLETION,
                tries=tries,
                check=version_of,
                UploadId=self._upload,
                MultipartUpload={"Parts": parts},
            )
        except NoSuchUploadError:
            if not tries.failed:
                raise self._gone() from None
            return await self._completed()
        return version_of(answer)

    async def abort(self) -> None:
        """Drop the parts, also when the caller is cancelled. No part may be under way. A failure is logged only."""
        await settled(self._abort())

    async def _abort(self) -> None:
        try:
            await self._client.ask("abort_multipart_upload", self._path, slow=True, settle=True, UploadId=self._upload)
        except (NoSuchUploadError, PathNotFound):
            return
        except DriverError as error:
            _log.warning("an upload in parts is left to the purge: %s", error)

    async def _send(self, number: int, content: bytes | Content) -> Mapping[str, Any]:
        try:
            return await self._client.ask(
                "upload_part", self._path, content=content, check=version_of, UploadId=self._upload, PartNumber=number
            )
        except NoSuchUploadError:
            raise self._gone() from None

    async def _completed(self) -> Version:
        # An attempt whose answer was lost has completed it, if the object is of this write.
        try:
            head = await self._client.head(self._path)
        except PathNotFound:
            raise self._gone() from None
        if head.token != self._token:
            raise self._gone()
        return head.version

    def _gone(self) -> Unavailable:
        return Unavailable(f"{self._path}: the upload in parts is gone")


def _expect(answer: Mapping[str, Any], name: str) -> None:
    if not answer.get(name):
        raise TransientError(f"an answer has no {name}")
