"""How many requests to S3 an operation costs, counted on the wire: Moorage beside the Go registry, on the same store.

Each registry has a bucket's folder and a counting proxy of its own. Of every operation the first in a new process is
called cold, the same once more (with other content, where it brings some) warm. What a process asks at its start is not
counted, and none of them does anything in the background here. Prints two tables in Markdown.
"""

from __future__ import annotations

import asyncio
import platform
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from app import __version__
from app.config.model import Redirect
from app.oci.mediatype import OCI_IMAGE
from cache.memory import MemoryCache
from tests.support import goregistry
from tests.support.buckets import section, tree
from tests.support.programs import find
from tests.support.pushes import begin, descriptor, image, push_manifest, sha256
from tests.support.running import changed, configuration, running
from tests.support.s3proxy import proxied
from tests.support.s3stores import versitygw
from tests.support.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from tests.support.s3proxy import Proxy
    from tests.support.s3stores import Store

MIB = 1 << 20
SMALL = 100_000  # more than what is answered without a redirect
PARTS = 25 * MIB  # three parts of 10 MiB
TAGS = 30
REFERRERS = 3
SETTLED = 0.05  # seconds after an answer in which a registry may still ask the store something

BLOB = b"b" * SMALL
CONFIG = b"{}"
IMAGE = image(CONFIG, BLOB)
SUBJECT = descriptor(IMAGE, OCI_IMAGE)


@dataclass(frozen=True, slots=True)
class Registry:
    """One of those that are compared; *serve* starts a process (or a replica of it) with a redirect or without."""

    name: str
    serve: Callable[..., AbstractAsyncContextManager[Wire]]
    proxy: Proxy


@dataclass(frozen=True, slots=True)
class Row:
    """An operation: *act* gets the process, another one, and a number that is new each time."""

    title: str
    ceiling: str
    act: Callable[[Wire, Wire, int], Awaitable[None]]
    redirect: bool = True
    elsewhere: bool = False


class Unsupported(Exception):
    """This registry does not have the operation."""


async def ask(wire: Wire, method: str, target: str, *statuses: int, **more: Any) -> None:
    answer = await wire(method, target, ("Accept", OCI_IMAGE), **more)
    if answer.status not in statuses:
        raise RuntimeError(f"{method} {target}: {answer}")


def read(method: str, target: str, *statuses: int) -> Callable[[Wire, Wire, int], Awaitable[None]]:
    async def act(here: Wire, _there: Wire, _number: int) -> None:
        await ask(here, method, target, *statuses)

    return act


async def push(here: Wire, there: Wire, number: int, *, size: int, docker: bool = False) -> None:
    """Push a new blob: by POST and PUT, or as docker does, the last step to *there*."""
    content = number.to_bytes(8) * (size // 8)
    location = await begin(here, "t/image")
    if docker:
        location = (await here("PATCH", location, body=content, chunks=True)).location
        content_of_put = b""
    else:
        content_of_put = content
    await ask(there, "PUT", f"{location}&digest={sha256(content)}", 201, body=content_of_put)


async def push_here(here: Wire, _there: Wire, number: int, *, size: int, docker: bool = False) -> None:
    await push(here, here, number, size=size, docker=docker)


async def mount(here: Wire, _there: Wire, number: int) -> None:
    await ask(here, "POST", f"/v2/t/m{number}/blobs/uploads/?mount={sha256(BLOB)}&from=t/image", 201, body=b"")


async def put_manifest(here: Wire, _there: Wire, number: int) -> None:
    await push_manifest(here, "t/image", f"new{number}", image(CONFIG, BLOB, annotations={"n": str(number)}))


async def referrers(here: Wire, _there: Wire, _number: int) -> None:
    answer = await here("GET", f"/v2/t/image/referrers/{sha256(IMAGE)}")
    if answer.status == 404:
        raise Unsupported
    if len(answer.json["manifests"]) != REFERRERS:
        raise RuntimeError(f"referrers: {answer}")


ROWS = [
    Row("HEAD blob", "0 · 2", read("HEAD", f"/v2/t/image/blobs/{sha256(BLOB)}", 200, 307)),
    Row("GET blob, redirect", "0 · 2", read("GET", f"/v2/t/image/blobs/{sha256(BLOB)}", 307)),
    Row(
        "GET blob through the registry", "1 · -", read("GET", f"/v2/t/image/blobs/{sha256(BLOB)}", 200), redirect=False
    ),
    Row("GET manifest by tag", "1 · 3", read("GET", "/v2/t/image/manifests/v0", 200)),
    Row("GET manifest by digest", "0 · 2", read("GET", f"/v2/t/image/manifests/{sha256(IMAGE)}", 200)),
    Row(f"page of {TAGS} tags", "1", read("GET", "/v2/t/image/tags/list", 200)),
    Row("page of the catalog, 6 repositories", "1", read("GET", "/v2/_catalog", 200)),
    Row(f"referrers, {REFERRERS} of them", f"1 · {1 + REFERRERS}", referrers),
    Row("new blob, POST + PUT", "2", partial(push_here, size=SMALL)),
    Row("new blob, POST + PATCH + PUT", "4", partial(push_here, size=SMALL, docker=True)),
    Row("the same, PUT elsewhere", "5", partial(push, size=SMALL, docker=True), elsewhere=True),
    Row("new blob of 3 parts, POST + PUT", "6", partial(push_here, size=PARTS)),
    Row("new blob of 3 parts, POST + PATCH + PUT", "9", partial(push_here, size=PARTS, docker=True)),
    Row("the same, PUT elsewhere", "10", partial(push, size=PARTS, docker=True), elsewhere=True),
    Row("mount", "1 · 3", mount),
    Row("PUT manifest by tag", "5 · -", put_manifest),
]


async def fill(wire: Wire) -> None:
    """Push what is read later."""
    for name in ("t/image", *(f"t/other{number}" for number in range(5))):
        for content in (CONFIG, BLOB):
            location = await begin(wire, name)
            await ask(wire, "PUT", f"{location}&digest={sha256(content)}", 201, body=content)
        await push_manifest(wire, name, "v0", IMAGE)
    for number in range(1, TAGS):
        await push_manifest(wire, "t/image", f"v{number}", IMAGE)
    for number in range(REFERRERS):
        manifest = image(CONFIG, BLOB, subject=SUBJECT, annotations={"n": f"referrer {number}"})
        await push_manifest(wire, "t/image", sha256(manifest), manifest)


async def counts(registry: Registry, row: Row, number: int) -> list[list[str]]:
    """What *row* asks of the store, cold and warm; nothing if the registry has no such operation."""
    found = []
    async with registry.serve(redirect=row.redirect) as here, AsyncExitStack() as stack:
        there = await stack.enter_async_context(registry.serve(redirect=row.redirect)) if row.elsewhere else here
        for turn in range(2):
            registry.proxy.taken()
            try:
                await row.act(here, there, number + turn)
            except Unsupported:
                return []
            await asyncio.sleep(SETTLED)
            found.append(registry.proxy.taken())
    return found


@asynccontextmanager
async def _in_a_thread(manager: AbstractContextManager[Any]) -> AsyncIterator[Any]:
    """*manager*, whose beginning and end wait for a process that needs our proxy meanwhile."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@asynccontextmanager
async def go(program: str, store: Store, *, redirect: bool) -> AsyncIterator[Wire]:
    bucket = tree(store)["s3"] | {"rootdirectory": f"/{program}"}
    async with _in_a_thread(goregistry.go_registry(program, {"s3": bucket}, redirect=redirect)) as address:
        host, _, port = address.rpartition(":")
        yield Wire(host, int(port))


@asynccontextmanager
async def ours(name: str, store: Store, *, shared: bool, redirect: bool) -> AsyncIterator[Wire]:
    """Moorage in this process; *shared*: with a cache that may remember what may be seen, as a shared one does."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if shared:
            cache = MemoryCache(entries=10_000, membership=True)
            stack.enter_context(patch("app.main._cache", lambda _: cache))
        config = configuration("s3", Path(folder), bucket=section(store, rootdirectory=name))
        storage = changed(config.storage, redirect=Redirect(disable=not redirect))
        yield await stack.enter_async_context(running(changed(config, storage=storage)))


async def registries(stack: AsyncExitStack, store: Store) -> list[Registry]:
    """Everything that is there to be compared."""
    found = []
    for program in (goregistry.DEBIAN, goregistry.V3):
        try:
            find(program)
        except FileNotFoundError as error:
            print(f"not compared: {error}")
            continue
        proxy = await stack.enter_async_context(proxied(store))
        name = f"{program} {await asyncio.to_thread(goregistry.version, program)}"
        found.append(Registry(name, partial(go, program, proxy.store), proxy))
    for name, shared in ((f"Moorage {__version__}", False), ("Moorage, cache with membership", True)):
        proxy = await stack.enter_async_context(proxied(store))
        folder = "shared" if shared else "unshared"
        found.append(Registry(name, partial(ours, folder, proxy.store, shared=shared), proxy))
    return found


def _total(found: list[list[str]]) -> str:
    """Warm and cold, as the ceilings are written."""
    if not found:
        return "-"
    cold, warm = map(len, found)
    return str(warm) if cold == warm else f"{warm} · {cold}"


def _verbs(found: list[str]) -> str:
    return ", ".join(f"{number} {verb}" if number > 1 else verb for verb, number in Counter(found).items()) or "nothing"


async def main() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = await stack.enter_async_context(_in_a_thread(versitygw(folder)))
        await store.create_bucket()
        compared = await registries(stack, store)
        for registry in compared:
            async with registry.serve(redirect=True) as wire:
                await fill(wire)
        print(f"{platform.platform()}, Python {platform.python_version()}, versitygw {_versitygw()}; warm · cold\n")
        print("| operation |" + "".join(f" {registry.name} |" for registry in compared) + " at most |")
        print("|---|" + "---|" * (len(compared) + 1))
        consists = []
        for number, row in enumerate(ROWS):
            found = {registry.name: await counts(registry, row, number * 2) for registry in compared}
            print(f"| {row.title} |" + "".join(f" {_total(one)} |" for one in found.values()) + f" {row.ceiling} |")
            consists.append((row.title, found))
        print("\n| operation | registry | warm | cold |\n|---|---|---|---|")
        for title, found in consists:
            same = groupby(found.items(), key=itemgetter(1))
            for one, registries_of in ((one, [name for name, _ in group]) for one, group in same if one):
                cold, warm = map(_verbs, one)
                names = ", ".join(registries_of)
                print(f"| {title} | {names} | {warm} | {'the same' if cold == warm else cold} |")


def _versitygw() -> str:
    """The version that the folder of the program is named after."""
    return Path(find("versitygw")).parent.name.removeprefix("versitygw-")


if __name__ == "__main__":
    asyncio.run(main())
