"""`moorage config check` and `moorage config show`, and the reading of a configuration for every other verb."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import typer

from app.config.load import ConfigurationError, Loaded, load

if TYPE_CHECKING:
    from pathlib import Path

WRONG: Final = 2
"""Exit code for a configuration that can't be used."""


def read(path: Path | None, *, lenient: bool) -> Loaded:
    """Load a configuration; warnings go to standard error.

    Raises:
        typer.Exit: it can't be used; the reasons were printed.
    """
    try:
        loaded = load(path, os.environ, lenient=lenient)
        _ask_the_driver(loaded)
    except ConfigurationError as error:
        for problem in str(error).splitlines():
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(WRONG) from None
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return loaded


def _ask_the_driver(loaded: Loaded) -> None:
    section = loaded.config.storage.s3
    if section is not None:
        from app.plugins import s3_settings

        try:
            s3_settings(section)
        except ValueError as error:
            raise ConfigurationError([f"storage.{error}"], loaded.source) from None


def check(path: Path | None, *, lenient: bool) -> int:
    """Say that a configuration is good. Return the exit code."""
    loaded = read(path, lenient=lenient)
    typer.echo(f"{loaded.source}: good")
    return 0


def show(path: Path | None, *, lenient: bool) -> int:
    """Print a configuration as YAML that `serve` would read alike, but for its secrets. Return the exit code."""
    from app.config.show import as_yaml

    typer.echo(as_yaml(read(path, lenient=lenient).config), nl=False)
    return 0
