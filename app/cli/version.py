"""`moorage version`."""

from __future__ import annotations

import platform
import ssl
from importlib.metadata import version as installed

import typer

from app import __version__


def version() -> None:
    """Print what a bug report needs."""
    typer.echo(f"moorage {__version__}")
    typer.echo(f"Python {platform.python_version()} on {platform.platform()}")
    typer.echo(f"aiohttp {installed('aiohttp')}, msgspec {installed('msgspec')}, {ssl.OPENSSL_VERSION}")
