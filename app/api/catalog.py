"""``GET /v2/_catalog``: the repositories, page by page (Docker API V2; outside the OCI spec and much used)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api.paging import PageRequest, next_link, take
from app.api.problems import JSON

if TYPE_CHECKING:
    from app.api.call import Call


async def list_repositories(call: Call) -> Response:
    """Answer one page, in byte order of the names."""
    settings = call.settings
    wanted = PageRequest.parse(call.query, default=settings.catalog_page, ceiling=settings.catalog_ceiling)
    page = await take(call.services.namespace.catalog(after=wanted.after), wanted.size)
    answer = Response(body=json.dumps({"repositories": page.items}).encode(), content_type=JSON)
    if page.more:
        path = call.locations.path("/v2/_catalog")
        answer.headers["Link"] = next_link(path, n=len(page.items), last=page.items[-1])
    return answer
