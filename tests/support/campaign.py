"""A campaign: many clients push and pull at once while a share of the requests to the store fails."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING

from tests.support.pushes import sha256
from tests.support.s3proxy import Fault, Harm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.campaign_clients import Crowd


def unlucky(seed: int, *, share: float = 0.1, stall: float = 5.0) -> Callable[[str, int], Fault | None]:
    """A plan for a proxy: a *share* of all requests fails, each in another way; stalls last for *stall* seconds."""
    draw = random.Random(seed)
    faults = (
        Fault(Harm.REFUSE, 500, "InternalError"),
        Fault(Harm.REFUSE, 503, "SlowDown"),
        Fault(Harm.RESET),
        Fault(Harm.BREAK),
        Fault(Harm.LOSE),
        Fault(Harm.DELAY, seconds=stall),
        Fault(Harm.PAUSE, seconds=stall),
        Fault(Harm.CUT),
    )
    return lambda _verb, _number: draw.choice(faults) if draw.random() < share else None


async def campaign(clients: Crowd, *, pushes: int, pulls: int, at_once: int, seed: int) -> None:
    """Push and pull so many images, each by *at_once* clients, until all is done."""
    first = asyncio.Event()
    todo, wanted = iter(range(1, pushes + 1)), iter(range(pulls))

    async def push() -> None:
        for number in todo:
            await clients.push(number, f"team/app{number % 5}")
            if clients.tally.acknowledged:
                first.set()

    async def pull() -> None:
        await first.wait()
        for number in wanted:
            draw = random.Random(seed * 1_000_000 + number)
            await clients.pull(draw.choice(clients.tally.acknowledged), draw)
            if number % 10 == 0:
                await clients.look(draw)

    async def pushing() -> None:
        await asyncio.gather(*(push() for _ in range(at_once)))
        first.set()

    async def pulling() -> None:
        await asyncio.gather(*(pull() for _ in range(at_once)))

    await asyncio.gather(pushing(), pulling())


async def verify(clients: Crowd) -> None:
    """Compare all that was acknowledged with what the registry has, byte for byte; differences are noted as wrong."""
    for pushed in clients.tally.acknowledged:
        paths = {f"blobs/{digest}": blob for digest, blob in pushed.blobs().items()}
        paths |= {f"manifests/{reference}": pushed.manifest for reference in (pushed.tag, sha256(pushed.manifest))}
        for path, expected in paths.items():
            told = await clients.ask("verify", "GET", f"/v2/{pushed.name}/{path}", 200)
            if told.body != expected:
                clients.tally.wrongs.append(f"{pushed.name}/{path} is not what was pushed")


def misnamed(folder: Path) -> list[str]:
    """Return the blobs below *folder*, a bucket's, whose content has another digest than their name."""
    found = []
    for path in folder.glob("**/blobs/sha256/*/*/data"):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != path.parent.name:
                found.append(path.parent.name)
    return found
