"""Everything about a store that the registry has to do with, tried out: for an operator, not for the start of a server.

Some forty requests and 10 MiB. What a store refuses or can't do is a finding, not an error.
"""

from __future__ import annotations

import secrets
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from drivers.errors import PathNotFound, Unavailable
from drivers.finding import Finding
from drivers.s3.connection import connect
from drivers.s3.faults import RefusedError
from drivers.s3.opening import make_client
from drivers.s3.probe import Conditions
from drivers.s3.trials import CONTENT, Trials
from drivers.s3.visits import visit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from drivers.s3.settings import S3Settings

_PATIENCE: Final = 3.0  # seconds after which what fails is not tried again: somebody waits at a terminal
_SKEW: Final = 60.0


async def survey(settings: S3Settings, *, scratch: str = "/moorage/v1/tmp") -> AsyncGenerator[Finding]:
    """Yield what the store can do, one thing after the other. What is written lies in *scratch* and is removed.

    Raises:
        Unavailable: the store can't be reached, or there are no credentials; the message says why.
    """
    hasty = replace(settings, retrybudget=min(settings.retrybudget, _PATIENCE))
    async with connect(hasty) as connection:
        client = make_client(connection, hasty)
        trials = Trials(client, f"{scratch}/probe-{secrets.token_hex(12)}")
        try:
            await trials.write()
        except RefusedError as error:
            yield Finding("write a file", holds=False, follows=f"nothing can be pushed: {error}", needed=True)
            return
        try:
            yield Finding("write a file", holds=True, follows="pushes can be stored", needed=True)
            async with aclosing(_files(trials)) as findings:
                async for finding in findings:
                    yield finding
            yield await _clock(trials)
            async with aclosing(visit(connection, client.key(trials.file), CONTENT, hasty)) as findings:
                async for finding in findings:
                    yield finding
            yield await _tried(
                "delete a file", trials.delete, "uploads leave nothing behind", "uploads can't be ended", needed=True
            )
        finally:
            await trials.clean()


async def _files(trials: Trials) -> AsyncGenerator[Finding]:
    yield await _tried("read it", trials.read, "pulls can be served", "nothing can be pulled", needed=True)
    yield await _tried(
        "list it as soon as it is written",
        trials.list,
        "tags, catalog and purge see what is there",
        "tags, catalog and purge miss what was just pushed",
        needed=True,
    )
    yield await _tried(
        "read a range (206)",
        trials.read_range,
        "a range costs what it brings",
        "a range costs all that is before it, too",
    )
    for finding in await _conditions(trials):
        yield finding
    yield await _tried(
        "delete several files at once",
        trials.delete_several,
        "what an upload leaves goes with one request",
        "files are deleted one by one",
    )
    yield await _tried(
        "multipart upload",
        trials.upload_in_parts,
        "blobs of any size can be pushed",
        "no blob above 16 MiB can be pushed",
        needed=True,
    )
    yield await _tried(
        "copy a file",
        trials.copy,
        "an upload of one piece is published without its bytes moving",
        "an upload of one piece can't be published",
        needed=True,
    )
    yield await _tried(
        "copy a certain version only (x-amz-copy-source-if-match)",
        trials.copy_version,
        "a piece that somebody has replaced is not published",
        "only its unique name guards a piece until it is published",
    )
    yield await _tried(
        "copy a file as a part of another",
        trials.copy_in_parts,
        "an upload of many pieces is published without its bytes moving",
        "an upload of many pieces can't be published",
        needed=True,
    )
    yield await _tried(
        "list and abort multipart uploads",
        trials.abort,
        "the purge finds what was never completed",
        "what was never completed stays, and costs, until a lifecycle rule of the bucket removes it",
    )


async def _conditions(trials: Trials) -> tuple[Finding, ...]:
    reason = ""
    try:
        found = await trials.conditions()
    except Unavailable as error:
        found, reason = Conditions(create=False, swap=False, remove=False), f" ({error})"
    apart = f"replicas can't agree through the bucket, and tags can't be written under a condition{reason}"
    emptied = f"a file is emptied under a condition before it is deleted, a request more{reason}"
    return (
        Finding("create-only PUT (If-None-Match)", found.create, "of two creators one wins" if found.create else apart),
        Finding("conditional PUT (If-Match)", found.swap, "replicas agree through the bucket" if found.swap else apart),
        Finding(
            "conditional DELETE (If-Match)",
            found.remove,
            "a tag is deleted only if it is as the client has seen it" if found.remove else emptied,
        ),
    )


async def _clock(trials: Trials) -> Finding:
    try:
        ahead = await trials.seconds_ahead()
    except Unavailable as error:
        return Finding("tell the time", holds=False, follows=f"nobody knows how far the clocks are apart ({error})")
    holds = abs(ahead) <= _SKEW
    return Finding(
        f"the time is that of here (the store's clock is {abs(ahead):.0f} s {'behind' if ahead < 0 else 'ahead'})",
        holds,
        "URLs are good for as long as they say"
        if holds
        else "URLs end early or begin late; above 900 s a store refuses every request",
    )


async def _tried(
    what: str, trial: Callable[[], Awaitable[bool]], yes: str, no: str, *, needed: bool = False
) -> Finding:
    """Return what follows from a trial: *yes* if it succeeds, else *no* and the reason."""
    try:
        holds, reason = await trial(), ""
    except (Unavailable, PathNotFound) as error:
        holds, reason = False, f" ({error})"
    return Finding(what, holds, yes if holds else f"{no}{reason}", needed)
