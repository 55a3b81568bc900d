"""`moorage storage probe`: what the configured storage can do, a line for each thing, and whether that is enough."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import typer

from app.cli.config import read
from app.cli.serve import UNAVAILABLE, place, reason
from app.plugins import survey_storage
from drivers.errors import DriverError

if TYPE_CHECKING:
    from pathlib import Path

    from app.config.model import Storage
    from drivers.finding import Finding

LACKING: Final = 1
"""Exit code when the registry can't run on this storage."""


def probe(path: Path | None, *, as_json: bool, lenient: bool) -> int:
    """Try the storage out. Return the exit code."""
    storage = read(path, lenient=lenient).config.storage
    logging.getLogger().addHandler(logging.NullHandler())  # what the driver logs is in the findings
    try:
        findings = asyncio.run(_survey(storage, quiet=as_json))
    except (DriverError, OSError) as error:
        typer.echo(f"error: {place(storage)} can't be reached: {reason(error)}", err=True)
        return UNAVAILABLE
    lacking = [finding for finding in findings if finding.needed and not finding.holds]
    if as_json:
        report = {"storage": place(storage), "runs": not lacking, "findings": [asdict(each) for each in findings]}
        typer.echo(json.dumps(report))
    else:
        typer.echo(f"{place(storage)} {'lacks what the registry needs' if lacking else 'is good for the registry'}")
    return LACKING if lacking else 0


async def _survey(storage: Storage, *, quiet: bool) -> list[Finding]:
    findings = []
    async with aclosing(survey_storage(storage)) as found:
        async for finding in found:
            findings.append(finding)
            if not quiet:
                typer.echo(_line(finding))
    return findings


def _line(finding: Finding) -> str:
    answer = "yes" if finding.holds else "NO " if finding.needed else "no "
    return f"{answer}  {finding.what}: {finding.follows}"
