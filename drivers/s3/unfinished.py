"""Uploads in parts that nobody has finished: found page by page, and ended. No request of a client waits for this."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from drivers.contract import UnfinishedUpload
from drivers.errors import PathNotFound
from drivers.paths import below
from drivers.s3.client import BATCH
from drivers.s3.faults import NoSuchUploadError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from drivers.s3.client import Client


async def unfinished(
    client: Client, folder: str, before: datetime, *, most: int = BATCH
) -> AsyncGenerator[UnfinishedUpload]:
    """As `drivers.contract.SupportsMultipartPurge.unfinished`: one request for a page of *most*.

    Whatever is there, also what breaks the grammar of paths. Some stores tell the time of an upload's last part instead
    of that of its beginning. Of more than *most* uploads towards one file only the oldest are seen.
    """
    prefix, marker = client.key(below(folder)), ""
    more = True
    while more:
        parameters: dict[str, Any] = {"Prefix": prefix, "MaxUploads": most}
        if marker:
            parameters["KeyMarker"] = marker
        page = await client.ask("list_multipart_uploads", folder, key=False, **parameters)
        uploads, more = page.get("Uploads", ()), page.get("IsTruncated", False)
        # Not every store takes the marker with which S3 goes on amidst the uploads towards one key, so such a key is
        # asked for again, from its first upload on, unless nothing else was on the page.
        keys = sorted({upload["Key"] for upload in uploads})
        if more and len(keys) > 1:
            keys.pop()
        more = more and bool(keys) and keys[-1] > marker
        marker = keys[-1] if keys else ""
        for upload in uploads:
            if upload["Key"] <= marker and upload["Initiated"] < before:
                yield UnfinishedUpload(client.path(upload["Key"]), upload["UploadId"], upload["Initiated"])


async def abort(client: Client, upload: UnfinishedUpload) -> None:
    """As `drivers.contract.SupportsMultipartPurge.abort`."""
    with suppress(NoSuchUploadError, PathNotFound):
        await client.ask("abort_multipart_upload", upload.path, slow=True, settle=True, UploadId=upload.id)
