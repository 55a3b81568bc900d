"""One request on its way through a handler, and the services that handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.api.body import Body
from app.api.query import Query
from app.api.urls import Locations
from app.auth.contracts import ANONYMOUS, Access, Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from aiohttp.web import BaseRequest
    from multidict import CIMultiDictProxy

    from app.api.limits import Limits
    from app.api.redirects import RedirectRules
    from app.api.sealed import Sealer
    from app.api.settings import ApiSettings
    from app.auth.contracts import Authorizer, Principal
    from app.oci.reference import RepositoryName
    from app.registry.contracts import Namespace, UploadSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What handlers work with.

    Attributes:
        redirects: which requests for a blob are sent to the backend, where it takes any.
        threads: where the kernel sends files from; each call in it is short.
        new_id: makes a name that nobody has used.
    """

    namespace: Namespace
    settings: ApiSettings
    authorizer: Authorizer
    sealer: Sealer
    limits: Limits
    redirects: RedirectRules
    threads: Executor
    new_id: Callable[[], str]


class Call:
    """One request: its parts as values, its caller, and answers to what only a request can tell."""

    __slots__ = ("body", "locations", "path", "principal", "query", "request", "request_id", "services", "trace")

    def __init__(
        self,
        request: BaseRequest,
        services: Services,
        *,
        request_id: str,
        trace: str = "",
        principal: Principal = ANONYMOUS,
    ) -> None:
        self.request = request
        self.services = services
        self.request_id = request_id
        self.trace = trace
        self.principal = principal
        url = request.rel_url
        self.path = url.raw_path
        self.query = Query(url.raw_query_string)
        self.body = Body(request, services.limits, services.settings.idle)
        self.locations = Locations(services.settings, request.headers, secure=request.secure)

    @property
    def settings(self) -> ApiSettings:
        """How the API answers."""
        return self.services.settings

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The request's headers."""
        return self.request.headers

    @property
    def connected(self) -> bool:
        """Whether the client is still there, as far as we know."""
        transport = self.request.transport
        return transport is not None and not transport.is_closing()

    def hang_up(self) -> None:
        """End the connection now; what has not been sent never will be."""
        if self.request.transport is not None:
            self.request.transport.abort()

    @property
    def head(self) -> bool:
        """Whether only the head of the answer is wanted."""
        return self.request.method == "HEAD"

    async def may_pull(self, repository: RepositoryName) -> bool:
        """Whether the caller may pull from a repository other than the one in the path."""
        return await self.services.authorizer.allows(self.principal, [Access(repository, Action.PULL)])

    def session_headers(self, session: UploadSession) -> dict[str, str]:
        """Where an upload stands and how it is carried on; before the first byte the range is ``0-0`` as well."""
        token = self.services.sealer.seal(session)
        return {
            "Location": self.locations.upload(session.repository, session.id, token),
            "Range": f"0-{max(0, session.offset - 1)}",
            "Docker-Upload-UUID": session.id,
        }
