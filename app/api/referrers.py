"""``GET /v2/{name}/referrers/{digest}``: which manifests have this subject (distribution-spec, end-12a and 12b)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp.web import Response

from app.api.paging import PageRequest, next_link
from app.oci.digest import Digest
from app.oci.mediatype import OCI_INDEX

if TYPE_CHECKING:
    from app.api.call import Call
    from app.oci.descriptor import Descriptor
    from app.registry.contracts import Repository

_HEAD: Final = f'{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":['


async def list_referrers(call: Call, repository: Repository, subject: Digest) -> Response:
    """Answer an index of them, never 404; a page of it where it would be longer than clients read."""
    settings = call.settings
    wanted = PageRequest.parse(call.query, default=settings.referrers_page, ceiling=settings.referrers_page)
    after = Digest.parse(wanted.after) if wanted.after else ""
    kind = call.query.get("artifactType", "")
    page = _Page(wanted.size, settings.referrers_bytes)
    async for descriptor in repository.referrers.list(subject, artifact_type=kind, after=after):
        if not page.add(descriptor):
            break
    answer = Response(body=page.document(), headers={"Content-Type": OCI_INDEX})
    if kind:
        answer.headers["OCI-Filters-Applied"] = "artifactType"
    if page.cut and page.last:
        path = call.locations.path(f"/v2/{repository.name}/referrers/{subject}")
        answer.headers["Link"] = next_link(path, n=call.query.get("n", ""), last=page.last, artifactType=kind)
    return answer


class _Page:
    """Descriptors as JSON, until there are enough of them or of their bytes."""

    def __init__(self, size: int | None, room: int) -> None:
        self._size = size
        self._room = room
        self._rows: list[str] = []
        self.last = ""
        self.cut = False

    def add(self, descriptor: Descriptor) -> bool:
        """Take one more, unless the page is full. The first one always fits."""
        row = json.dumps(_json(descriptor), separators=(",", ":"))
        self._room -= len(row) + 1
        if len(self._rows) == self._size or (self._rows and self._room < 0):
            self.cut = True
            return False
        self._rows.append(row)
        self.last = descriptor.digest
        return True

    def document(self) -> bytes:
        return f"{_HEAD}{','.join(self._rows)}]}}".encode()


def _json(descriptor: Descriptor) -> dict[str, Any]:
    row: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
        "digest": descriptor.digest,
    }
    if descriptor.artifact_type:
        row["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        row["annotations"] = dict(descriptor.annotations)
    return row
