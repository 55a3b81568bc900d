"""Clients of a registry whose store fails, and the rules by which they judge what they are told.

They do what real clients do after a 503: they ask again, and of an upload where it stands.
"""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aiohttp import ClientConnectionError, ClientPayloadError, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from app.oci.mediatype import OCI_IMAGE
from tests.support.pushes import image, sha256

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

T = TypeVar("T")

MIB: Final = 1 << 20
TRIES: Final = 6  # of one step of a push
_SIZES: Final = (20, 900, 60_000, 300_000, 3 * MIB, 6 * MIB)  # bytes of a layer
_LARGE: Final = 23 * MIB  # more than two parts
_LARGE_SHARE: Final = 0.03


class Way(Enum):
    """How a blob is pushed."""

    WHOLE = "one POST"
    CLOSING = "POST and PUT"
    STREAM = "POST, PATCH and PUT, as docker does"
    CHUNKS = "POST, several PATCHes and PUT"


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image; what is in its blobs follows from *seeds* and sizes."""

    name: str
    tag: str
    manifest: bytes
    seeds: Mapping[str, tuple[int, int]]

    def blobs(self) -> dict[str, bytes]:
        """What was pushed, by digest."""
        return {digest: content(*of) for digest, of in self.seeds.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; not *whole* if the connection ended before all of it had come."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool

    @property
    def location(self) -> str:
        """Where an upload goes on."""
        url = URL(self.headers["Location"], encoded=True)
        return url.raw_path_qs


class Refused(Exception):
    """The registry could not do it now."""


@dataclass
class Tally:
    """What came of it all.

    Attributes:
        answers: how often each kind of request was answered with each status; ``cut`` is a body that broke off.
        wrongs: answers that nobody may get.
        acknowledged: images that were pushed whole.
        refused: how many were given up.
        repeats: steps of pushes that were made again.
        pulls: images that were pulled and compared.
    """

    answers: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    acknowledged: list[Pushed] = field(default_factory=list)
    refused: int = 0
    repeats: int = 0
    pulls: int = 0

    def statuses(self) -> dict[str, int]:
        """How often each status was seen."""
        found: Counter[str] = Counter()
        for kind, number in self.answers.items():
            found[kind.rpartition(" ")[2]] += number
        return dict(sorted(found.items()))


def content(seed: int, size: int) -> bytes:
    """Bytes that follow from *seed*."""
    return random.Random(seed).randbytes(size)


class Crowd:
    """Clients of the registry at *address*."""

    def __init__(self, address: str, session: ClientSession, tally: Tally) -> None:
        self._address: Final = address
        self._session: Final = session
        self.tally: Final = tally

    async def ask(self, kind: str, method: str, target: str, *expected: int, body: bytes = b"", **sent: Any) -> Told:
        """Make one request.

        Raises:
            Refused: it was answered with 503, or wrongly; a wrong answer is noted.
        """
        url = URL(f"http://{self._address}{target}", encoded=True)
        if body:
            sent["data"] = io.BytesIO(body)
        received = bytearray()
        whole = True
        try:
            async with self._session.request(method, url, allow_redirects=False, **sent) as answer:
                try:
                    async for part in answer.content.iter_any():
                        received += part
                except (ClientPayloadError, ClientConnectionError):
                    whole = False
        except (ClientConnectionError, TimeoutError) as error:
            self._wrong(kind, target, f"no answer: {error!r}")
            raise Refused from error
        told = Told(answer.status, answer.headers, bytes(received), whole)
        self.tally.answers[f"{kind} {told.status if whole else 'cut'}"] += 1
        if told.status == 503 and whole:
            if int(told.headers.get("Retry-After", "0")) < 1:
                self._wrong(kind, target, "503 without Retry-After")
            raise Refused
        if told.status not in expected or (not whole and method != "GET"):
            self._wrong(kind, target, f"{told.status}, whole: {whole}: {told.body[:500]!r}")
            raise Refused
        return told

    async def push(self, number: int, name: str) -> None:
        """Push one image, or give up."""
        draw = random.Random(number)
        sizes = [draw.choice(_SIZES) for _ in range(draw.choice((2, 3)))]
        if draw.random() < _LARGE_SHARE:
            sizes[0] = _LARGE
        seeds = {number * 10 + place: size for place, size in enumerate([700, *sizes])}
        blobs = {seed: content(seed, size) for seed, size in seeds.items()}
        config, *layers = blobs.values()
        pushed = Pushed(
            name,
            f"t{number}",
            image(config, *layers),
            {sha256(blobs[seed]): (seed, size) for seed, size in seeds.items()},
        )
        try:
            for blob in blobs.values():
                await self._push_blob(name, blob, draw.choice(list(Way)))
            target = f"/v2/{name}/manifests/{pushed.tag}"
            kind = {"Content-Type": OCI_IMAGE}
            await self._again(lambda: self.ask("PUT manifest", "PUT", target, 201, body=pushed.manifest, headers=kind))
        except Refused:
            self.tally.refused += 1
        else:
            self.tally.acknowledged.append(pushed)

    async def pull(self, pushed: Pushed, draw: random.Random) -> None:
        """Pull one image in one of several ways; what comes must be what was pushed."""
        reference = draw.choice((pushed.tag, sha256(pushed.manifest)))
        self.tally.pulls += 1
        try:
            told = await self.ask("GET manifest", "GET", f"/v2/{pushed.name}/manifests/{reference}", 200)
            self._compare(f"manifest {reference}", told, pushed.manifest)
            for digest, (seed, size) in pushed.seeds.items():
                await self._pull_blob(pushed.name, digest, content(seed, size), draw)
        except Refused:
            return

    async def look(self, draw: random.Random) -> None:
        """Ask for lists, and for what is not there."""
        known = list(self.tally.acknowledged)
        pushed = draw.choice(known)
        absent = sha256(draw.randbytes(8))
        try:
            tags = await self.ask("GET tags", "GET", f"/v2/{pushed.name}/tags/list", 200)
            missing = {each.tag for each in known if each.name == pushed.name} - set(json.loads(tags.body)["tags"])
            if missing:
                self._wrong("GET tags", pushed.name, f"without {missing}")
            await self.ask("HEAD absent", "HEAD", f"/v2/{pushed.name}/blobs/{absent}", 404)
            await self.ask("GET catalog", "GET", "/v2/_catalog", 200)
        except Refused:
            return

    async def _pull_blob(self, name: str, digest: str, expected: bytes, draw: random.Random) -> None:
        target = f"/v2/{name}/blobs/{digest}"
        if draw.random() < 0.3:
            head = await self.ask("HEAD blob", "HEAD", target, 200)
            if head.headers["Content-Length"] != str(len(expected)):
                self._wrong("HEAD blob", target, f"{head.headers['Content-Length']} bytes")
        if draw.random() < 0.3:
            start = draw.randrange(len(expected))
            stop = draw.randint(start + 1, len(expected))
            headers = {"Range": f"bytes={start}-{stop - 1}"}
            told = await self.ask("GET range", "GET", target, 206, headers=headers)
            self._compare(f"{target} from {start} to {stop}", told, expected[start:stop])
        else:
            self._compare(target, await self.ask("GET blob", "GET", target, 200), expected)

    def _compare(self, what: str, told: Told, expected: bytes) -> None:
        right = told.body == expected if told.whole else expected.startswith(told.body) and told.body != expected
        if not right:
            self._wrong("GET", what, f"whole: {told.whole}, {len(told.body)} bytes instead of {len(expected)}")

    async def _push_blob(self, name: str, blob: bytes, way: Way) -> None:
        digest = sha256(blob)
        uploads = f"/v2/{name}/blobs/uploads/"
        if way is Way.WHOLE:
            target = f"{uploads}?digest={digest}"
            await self._again(lambda: self.ask("POST blob", "POST", target, 201, body=blob))
            return
        location = (await self._again(lambda: self.ask("POST", "POST", uploads, 202))).location
        if way is Way.STREAM:
            location = await self._append(location, 0, blob, chunked=False)
        elif way is Way.CHUNKS:
            step = min(len(blob) // 2, 7 * MIB)  # never one byte: a range of 0-0 also says that nothing has come
            for start in range(0, len(blob), step):
                location = await self._append(location, start, blob[start : start + step], chunked=True)
        last = blob if way is Way.CLOSING else b""
        target = f"{location}&digest={digest}"
        await self._again(lambda: self.ask("PUT blob", "PUT", target, 201, body=last))

    async def _append(self, location: str, start: int, chunk: bytes, *, chunked: bool) -> str:
        """Send *chunk*; where that is refused, ask how far the upload has come, and go on from there."""
        headers = {"Content-Range": f"{start}-{start + len(chunk) - 1}"} if chunked else {}

        async def once() -> str:
            nonlocal location
            sent = {"body": chunk, "headers": headers} if chunked else {"data": _streamed(chunk)}
            try:
                return (await self.ask("PATCH", "PATCH", location, 202, **sent)).location
            except Refused:
                status = await self._again(lambda: self.ask("GET status", "GET", location, 204))
            location = status.location
            reached = status.headers["Range"].removeprefix("0-")
            if reached == str(start + len(chunk) - 1):
                return location
            if reached != str(max(0, start - 1)):
                self._wrong("GET status", location, f"{reached} between {start} and {start + len(chunk)}")
            raise Refused

        return await self._again(once)

    async def _again(self, step: Callable[[], Awaitable[T]]) -> T:
        for _ in range(TRIES - 1):
            try:
                return await step()
            except Refused:
                self.tally.repeats += 1
        return await step()

    def _wrong(self, kind: str, what: str, problem: str) -> None:
        self.tally.wrongs.append(f"{kind} {what}: {problem}")


@asynccontextmanager
async def crowd(address: str, tally: Tally) -> AsyncIterator[Crowd]:
    """Clients that make no second attempt behind our back: each request has a connection of its own."""
    connector = TCPConnector(limit=0, force_close=True)
    timeout = ClientTimeout(total=None, sock_read=300)
    async with ClientSession(connector=connector, auto_decompress=False, timeout=timeout) as session:
        yield Crowd(address, session, tally)


async def _streamed(chunk: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(chunk), MIB):
        yield chunk[start : start + MIB]
