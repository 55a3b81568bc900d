"""Uploads in parts that another program has left: they can't be read before they are completed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from drivers.errors import PathNotFound
from drivers.s3.answers import version_of
from drivers.s3.faults import NoSuchUploadError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from drivers.s3.client import Client

_PATIENCE: Final = 5.0  # of the usual timeout: the store may have to put 10,000 parts together


@dataclass(frozen=True, slots=True)
class _Left:
    """An upload with its parts, as the store lists them."""

    id: str
    parts: tuple[Mapping[str, Any], ...]

    @property
    def size(self) -> int:
        return sum(part["Size"] for part in self.parts)


async def recover(client: Client, path: str) -> None:
    """As `drivers.contract.SupportsMultipartRecovery.recover`: a listing, one for each upload, a HEAD, and the end."""
    left = [found async for found in _uploads(client, path)]
    best = max(left, key=lambda found: found.size, default=_Left("", ()))
    if not best.size:
        return
    with suppress(PathNotFound):
        if (await client.head(path)).info.size >= best.size:
            return
    parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in best.parts]
    with suppress(NoSuchUploadError):  # somebody else, or an attempt of ours whose answer was lost, has done it
        await client.ask(
            "complete_multipart_upload",
            path,
            slow=True,
            settle=True,
            patience=_PATIENCE,
            check=version_of,
            UploadId=best.id,
            MultipartUpload={"Parts": parts},
        )


async def _uploads(client: Client, path: str) -> AsyncGenerator[_Left]:
    key = client.key(path)
    more: dict[str, Any] = {}
    while True:
        answer = await client.ask(
            "list_multipart_uploads", path, key=False, check=_goes_on("NextKeyMarker"), Prefix=key, **more
        )
        for upload in answer.get("Uploads", ()):
            if upload["Key"] == key:
                with suppress(NoSuchUploadError):
                    yield _Left(upload["UploadId"], await _parts(client, path, upload["UploadId"]))
        if not answer.get("IsTruncated"):
            return
        more = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer.get("NextUploadIdMarker", "")}


async def _parts(client: Client, path: str, upload: str) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        answer = await client.ask("list_parts", path, check=_goes_on("NextPartNumberMarker"), UploadId=upload, **more)
        found.extend(answer.get("Parts", ()))
        if not answer.get("IsTruncated"):
            return tuple(found)
        more = {"PartNumberMarker": int(answer["NextPartNumberMarker"])}


def _goes_on(marker: str) -> Callable[[Mapping[str, Any]], None]:
    def check(answer: Mapping[str, Any]) -> None:
        if answer.get("IsTruncated") and not answer.get(marker):
            raise TransientError("a listing was cut and does not say where")

    return check
