"""``GET /v2/{name}/tags/list``: the tags of a repository in byte order (distribution-spec, end-8a and 8b)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api.paging import PageRequest, next_link, take
from app.api.problems import JSON

if TYPE_CHECKING:
    from app.api.call import Call
    from app.registry.contracts import Repository


async def list_tags(call: Call, repository: Repository) -> Response:
    """Answer all tags, or one page where the client or the configuration asks for pages."""
    ceiling = call.settings.tags_page
    wanted = PageRequest.parse(call.query, default=ceiling, ceiling=ceiling)
    page = await take(repository.tags.list(after=wanted.after), wanted.size)
    document = {"name": repository.name, "tags": page.items}
    answer = Response(body=json.dumps(document).encode(), content_type=JSON)
    if page.more:
        path = call.locations.path(f"/v2/{repository.name}/tags/list")
        answer.headers["Link"] = next_link(path, n=len(page.items), last=page.items[-1])
    return answer
