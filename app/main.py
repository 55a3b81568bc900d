"""The composition root: a configuration becomes running services, in the order in which they need each other.

The only place, with `app.plugins` and `app.cli`, that names concrete classes. Everything is closed in reverse.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import random
import re
import secrets
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.api.call import Services
from app.api.edge import Edge
from app.api.limits import Limits
from app.api.redirects import RedirectRules
from app.api.sealed import Sealer
from app.api.settings import ApiSettings
from app.auth.contracts import Everyone
from app.config.model import DescriptorCache
from app.oci.descriptor import Platform
from app.plugins import open_storage
from app.registry.digester import Digesters, find_libcrypto
from app.registry.hashing import Hashing
from app.registry.maintenance.purge import Purge
from app.registry.maintenance.rounds import rounds
from app.registry.namespace import open_namespace
from app.registry.records import RecordCodec
from app.registry.rules import ManifestRules, PlatformRule, ReferenceRule, UrlRules
from app.registry.state import find_secret, open_state
from app.registry.uploads import Uploads
from app.server.connection import ConnectionSettings
from app.server.run import serving
from cache.memory import MemoryCache
from cache.null import NullCache
from drivers.contract import (
    SupportsCompareAndSwap,
    SupportsCompose,
    SupportsDeleteFiles,
    SupportsExtend,
    SupportsMultipartPurge,
    SupportsMultipartRecovery,
    SupportsRedirect,
    SupportsSendfile,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.api.accesslog import AccessLog
    from app.auth.contracts import Authorizer
    from app.config.model import Config, Storage, Validation
    from app.config.model import Redirects as RedirectsConfig
    from app.registry.contracts import Namespace
    from app.registry.events import EventSink
    from app.server.run import Stop
    from cache.contract import BlobDescriptorCache
    from drivers.contract import Driver

logger = logging.getLogger(__name__)
_LONGEST_REQUEST: Final = timedelta(hours=1)  # that is expected; what runs longer loses to the purge, in good order
_FIRST_PURGE: Final = 3600.0  # seconds after the start at most; processes started at once must not purge at once
_SENDERS: Final = 16  # threads that hand files to sockets; each call is short


@dataclass(frozen=True, slots=True)
class Registry:
    """The domain of one configuration, running.

    Attributes:
        namespace: everything that is served.
        purge: takes away uploads that nobody goes on with.
        secret: signs what clients carry; every replica has the same.
        authorizer: decides what callers may do.
    """

    namespace: Namespace
    purge: Purge
    secret: bytes
    authorizer: Authorizer = field(default_factory=Everyone)


@asynccontextmanager
async def registry(
    config: Config, *, boot: str | None = None, events: EventSink | None = None
) -> AsyncIterator[Registry]:
    """Open what *config* says is stored.

    *boot* names this boot of the machine; it is the kernel's word for it if nothing else is said. *events* is told of
    everything that happens to content.

    Raises:
        DriverError, OSError: the storage is not usable.
        FormatUnsupported: it was written by a newer Moorage.
        StateInvalid: one of the registry's own files in it is damaged.
    """
    async with AsyncExitStack() as stack:
        driver = await open_storage(stack, config.storage)
        swap = driver if isinstance(driver, SupportsCompareAndSwap) else None
        sendfile = driver if isinstance(driver, SupportsSendfile) else None
        redirect = driver if isinstance(driver, SupportsRedirect) else None
        extend = driver if isinstance(driver, SupportsExtend) else None
        compose = driver if isinstance(driver, SupportsCompose) else None
        state = await open_state(driver, swap=swap, new_id=_new_id, random_bytes=secrets.token_bytes)
        uploads = Uploads(
            driver,
            hashing=Hashing(Digesters(find_libcrypto())),
            key=_record_key(state.secret),
            boot=boot or _boot_id(),
            max_age=timedelta(seconds=config.storage.maintenance.uploadpurging.age),
            now=_now,
            new_id=_new_id,
            swap=swap,
            extend=extend,
            compose=compose,
            deletes=driver if isinstance(driver, SupportsDeleteFiles) else None,
            recovery=driver if isinstance(driver, SupportsMultipartRecovery) else None,
        )
        namespace = await open_namespace(
            driver,
            state=state,
            cache=_cache(config.storage),
            swap=swap,
            sendfile=sendfile,
            redirect=None if config.storage.redirect.disable else redirect,
            ingestion=uploads.into,
            rules=_rules(config.validation, config.moorage.limits.manifestsize),
            events=events,
            look_back=config.storage.s3 is None,  # disk and memory answer in microseconds
        )
        secret = config.http.secret
        yield Registry(
            namespace, _purge(driver, _record_key(state.secret)), secret.reveal().encode() if secret else state.secret
        )


@asynccontextmanager
async def purging(config: Config) -> AsyncIterator[Purge]:
    """Open what *config* says is stored for a purge alone: nothing is created in a store that has no sessions of ours.

    Raises:
        DriverError, OSError: the storage is not usable.
        FormatUnsupported: it was written by a newer Moorage.
    """
    async with AsyncExitStack() as stack:
        driver = await open_storage(stack, config.storage, sweep=False)
        yield _purge(driver, _record_key(await find_secret(driver)))


@asynccontextmanager
async def maintaining(config: Config, services: Registry) -> AsyncIterator[None]:
    """Keep the storage of *services* tidy inside the block, as *config* says. A read-only registry is left alone."""
    maintenance = config.storage.maintenance
    settings = maintenance.uploadpurging
    if not settings.enabled or maintenance.readonly.enabled:
        yield
        return

    async def purge() -> None:
        report = await services.purge.run(timedelta(seconds=settings.age), dry=settings.dryrun)
        for skipped in report.skipped:
            logger.warning("left by the purge of uploads: %s: %s", skipped.path, skipped.reason)
        logger.info("purge of uploads: %s", report.sentence(dry=settings.dryrun))

    first = random.uniform(0, min(_FIRST_PURGE, settings.interval))  # noqa: S311 - nobody gains by guessing it
    async with rounds("the purge of uploads", purge, first=first, interval=float(settings.interval)):
        yield


@asynccontextmanager
async def listening(config: Config, services: Registry, access_log: AccessLog, stop: Stop) -> AsyncIterator[str]:
    """Serve the API of *services* inside the block, which is given the address. On leaving it drains.

    Raises:
        AddressInvalid, OSError: the address can't be had.
    """
    settings = _api_settings(config)
    limits = config.moorage.limits
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="sendfile") as threads:
        edge = Edge(
            Services(
                namespace=services.namespace,
                settings=settings,
                authorizer=services.authorizer,
                sealer=Sealer(services.secret),
                limits=Limits(body_memory=settings.body_memory, uploads=settings.uploads),
                redirects=_redirects(config.moorage.redirect),
                threads=threads,
                new_id=_new_id,
            ),
            access_log=access_log,
            stopping=stop.stopping,
            clock=time.perf_counter,
        )
        http = config.http
        connections = ConnectionSettings(head=float(limits.headertimeout), stalled=float(limits.idletimeout))
        serve = serving(
            edge, stop, network=http.net, address=http.addr, drain=float(http.draintimeout), settings=connections
        )
        async with serve as address:
            yield address


def _purge(driver: Driver, key: bytes) -> Purge:
    return Purge(
        driver,
        RecordCodec(key),
        grace=_LONGEST_REQUEST,
        new_id=_new_id,
        swap=driver if isinstance(driver, SupportsCompareAndSwap) else None,
        multipart=driver if isinstance(driver, SupportsMultipartPurge) else None,
    )


def _record_key(secret: bytes) -> bytes:
    return hmac.digest(secret, b"records of uploads", "sha256")


def _cache(storage: Storage) -> BlobDescriptorCache:
    """Only a store that dies with this process has no other writers, so only there membership may be remembered."""
    if storage.cache.blobdescriptor is DescriptorCache.NONE:
        return NullCache()
    return MemoryCache(entries=storage.cache.blobdescriptorsize, membership=storage.inmemory is not None)


def _rules(validation: Validation, max_size: int) -> ManifestRules:
    manifests = validation.manifests
    urls, indexes = manifests.urls, manifests.indexes
    references = ReferenceRule(manifests.references.value)
    if validation.disabled:
        return ManifestRules(max_size, references, UrlRules(anywhere=True), PlatformRule.NONE)
    return ManifestRules(
        max_size,
        references,
        UrlRules(
            tuple(map(re.compile, urls.allow)),
            tuple(map(re.compile, urls.deny)),
            # Who takes manifests whose content is elsewhere need not be asked where that is, unless he has a rule.
            anywhere=references is ReferenceRule.OPTIONAL and not urls.allow and not urls.deny,
        ),
        PlatformRule(indexes.platforms.value),
        frozenset(Platform(platform.architecture, platform.os) for platform in indexes.platformlist),
    )


def _api_settings(config: Config) -> ApiSettings:
    http, limits = config.http, config.moorage.limits
    return ApiSettings(
        host=http.host,
        prefix=f"/{http.prefix.strip('/')}" if http.prefix.strip("/") else "",
        relative_urls=http.relativeurls,
        headers=tuple((name, value) for name, values in http.headers.items() for value in values),
        delete=config.storage.delete.enabled,
        read_only=config.storage.maintenance.readonly.enabled,
        manifest_limit=limits.manifestsize,
        tags_page=config.tags.maxtags,
        catalog_page=min(100, config.catalog.maxentries),
        catalog_ceiling=config.catalog.maxentries,
        idle=float(limits.idletimeout),
        body_memory=limits.bodymemory,
        uploads=limits.uploads,
    )


def _redirects(section: RedirectsConfig) -> RedirectRules:
    clients, agents = section.clients, section.useragents
    return RedirectRules(
        above=section.threshold,
        ranges=section.ranges,
        clients=tuple(map(ipaddress.ip_network, clients.allow)),
        not_clients=tuple(map(ipaddress.ip_network, clients.deny)),
        agents=tuple(map(re.compile, agents.allow)),
        not_agents=tuple(map(re.compile, agents.deny)),
    )


def _new_id() -> str:
    return str(uuid.uuid4())


def _now() -> datetime:
    return datetime.now(UTC)


def _boot_id() -> str:
    """What names this boot of the machine; where nothing does, this process: its sessions then end with it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return _new_id()
