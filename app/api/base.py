"""The few resources that are about the registry as a whole: is it there, does it speak the API, what else can it do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.web import Response

from app.api.problems import JSON

if TYPE_CHECKING:
    from app.api.call import Call


async def root(call: Call) -> Response:
    """``GET /``: something listens here. Load balancers ask; no credentials are wanted."""
    del call
    return Response(headers={"Cache-Control": "no-cache"})


async def version(call: Call) -> Response:
    """``GET /v2/``: the API is spoken, and the caller may come in (distribution-spec, end-1)."""
    del call
    return Response(body=b"{}", content_type=JSON)


async def extensions(call: Call) -> Response:
    """``GET /v2/_oci/ext/discover``: the extensions of the API, of which there are none."""
    del call
    return Response(body=b'{"extensions":[]}', content_type=JSON)
