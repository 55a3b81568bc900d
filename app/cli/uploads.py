"""`moorage uploads purge`: one purge of the configured storage, and what it did in plain words or JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import typer

from app.cli.config import WRONG, read
from app.cli.serve import UNAVAILABLE, place, reason
from app.config.model import LONGEST_AGE
from app.config.units import Duration
from app.main import purging
from app.registry.state import FormatUnsupported, StateInvalid
from drivers.errors import DriverError

if TYPE_CHECKING:
    from pathlib import Path

    from app.config.model import Config
    from app.registry.maintenance.report import Report

INCOMPLETE: Final = 1
"""Exit code when something was left because of an error."""


def purge(path: Path | None, *, age: str | None, dry_run: bool, as_json: bool, lenient: bool) -> int:
    """Purge once. Return the exit code."""
    try:
        given = None if age is None else min(Duration.parse(age), LONGEST_AGE)
    except ValueError as problem:
        typer.echo(f"error: --age: {problem}", err=True)
        return WRONG
    config = read(path, lenient=lenient).config
    lasts = config.storage.maintenance.uploadpurging.age if given is None else given
    try:
        report = asyncio.run(_purge(config, lasts, dry=dry_run))
    except (DriverError, FormatUnsupported, StateInvalid, OSError) as error:
        typer.echo(f"error: {place(config.storage)} can't be used: {reason(error)}", err=True)
        return UNAVAILABLE
    for skipped in report.skipped:
        typer.echo(f"left as it is: {skipped.path}: {skipped.reason}", err=True)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "age": str(lasts), **asdict(report)}))
    else:
        typer.echo(report.sentence(dry=dry_run))
    return INCOMPLETE if report.skipped else 0


async def _purge(config: Config, age: Duration, *, dry: bool) -> Report:
    async with purging(config) as purge:
        return await purge.run(timedelta(seconds=age), dry=dry)
