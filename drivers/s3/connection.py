"""The SDK's client and credentials, opened once for a process. How we want the SDK to behave is written down here."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError

from drivers.errors import Unavailable
from drivers.s3.redirects import Grant
from drivers.s3.signing import sign_what_is_known
from drivers.s3.sigv4 import Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from drivers.s3.settings import S3Settings

_DEFAULT_REGION: Final = "us-east-1"
_MARK: Final = "moorage"


@dataclass(frozen=True, slots=True)
class Connection:
    """What was opened.

    Attributes:
        api: the SDK's client; closed by `connect`.
        session: the SDK's, which knows the credentials.
        region: that requests are signed for.
        public: scheme, host and path of the bucket, as clients reach it.
    """

    api: Any
    session: Any
    region: str
    public: str

    async def grant(self) -> Grant:
        """Return the credentials of now; the SDK renews those that end.

        Raises:
            Unavailable: there are none.
        """
        try:
            found = await self.session.get_credentials()
            frozen = None if found is None else await found.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"no credentials for the store: {error}") from error
        if frozen is None:
            raise Unavailable("there are no credentials for the store", retry_after=30.0)
        ends = getattr(found, "_expiry_time", None)  # no public name tells it
        return Grant(
            Credentials(frozen.access_key, frozen.secret_key, frozen.token or ""),
            ends if isinstance(ends, datetime) else None,
        )


class _OneAttempt(AIOHTTPSession):  # type: ignore[misc] # the SDK ships no types
    """The SDK's HTTP client without retries.

    aiohttp sends a PUT or DELETE anew when its connection breaks. The first may have been carried out, and a write
    under a condition would then be in conflict with itself; `attempts` has to know of every attempt.
    """

    async def _get_session(self, proxy_url: Any) -> Any:
        session = await super()._get_session(proxy_url)
        session._retry_connection = False  # noqa: SLF001 # no public name; a test on the wire watches it
        return session


@asynccontextmanager
async def connect(settings: S3Settings) -> AsyncGenerator[Connection]:
    """Open the SDK's client. No request is made but for credentials.

    Raises:
        Unavailable: the credentials can't be had, or the SDK doesn't like the settings.
    """
    if settings.loglevel.lower() != "off":
        logging.getLogger("botocore").setLevel(logging.DEBUG)
    session = AioSession()
    if settings.accesskey:
        session.set_credentials(settings.accesskey, settings.secretkey, settings.sessiontoken or None)
    async with AsyncExitStack() as stack:
        try:
            api = await stack.enter_async_context(_create(session, settings, settings.endpoint))
            public = await _public(api, session, settings)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise Unavailable(f"s3: {error}") from error
        api.meta.events.register("before-call.s3", _send_at_once)
        sign_what_is_known(api.meta.events)
        yield Connection(api, session, api.meta.region_name, public)


def _create(session: Any, settings: S3Settings, endpoint: str | None) -> Any:
    # Left to itself, the SDK would send clients to Amazon's global endpoint, which only knows of old regions at once.
    style = {None: "auto" if endpoint else "virtual", True: "path", False: "virtual"}[settings.forcepathstyle]
    checksums = f"when_{settings.checksums}"
    config = AioConfig(
        signature_version="s3v4",
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
        parameter_validation=False,  # a third of the cost of a small PUT; paths are checked by the driver
        retries={"total_max_attempts": 1, "mode": "standard"},  # ours are in `attempts`
        max_pool_connections=0,  # no limit: `pace` has one, which a stream that is read slowly does not use up
        connect_timeout=settings.connecttimeout,
        read_timeout=settings.transfertimeout,
        http_session_cls=_OneAttempt,
        connector_args={"keepalive_timeout": 12},  # Amazon drops idle connections after 20 seconds
        user_agent_extra=settings.useragent or None,
        use_dualstack_endpoint=settings.usedualstack or None,
        use_fips_endpoint=settings.usefipsendpoint or None,
        s3={
            "addressing_style": style,
            "payload_signing_enabled": not settings.tls,
            "use_accelerate_endpoint": settings.accelerate,
        },
    )
    return session.create_client(
        "s3",
        region_name=settings.region or _DEFAULT_REGION,
        endpoint_url=endpoint,
        use_ssl=settings.secure,
        verify=False if settings.skipverify else None,
        config=config,
    )


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    # Asking first is a round trip for each part, and stores that do not answer to it make the client wait.
    params["headers"].pop("Expect", None)


async def _public(api: Any, session: Any, settings: S3Settings) -> str:
    if not settings.redirectendpoint:
        return await _address(api, settings)
    async with _create(session, settings, settings.redirectendpoint) as other:
        return await _address(other, settings)


async def _address(api: Any, settings: S3Settings) -> str:
    # The SDK knows the rules for the address of a bucket; asked once, for an object that needs not exist.
    url = await api.generate_presigned_url("get_object", Params={"Bucket": settings.bucket, "Key": _MARK})
    found = urlsplit(url)
    return f"{found.scheme}://{found.netloc}{found.path.removesuffix(f'/{_MARK}')}"
