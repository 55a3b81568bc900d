"""The command `moorage`: which verbs there are, and how errors leave it. Each verb imports what it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import __version__

application = typer.Typer(
    name="moorage",
    help="A container registry: one command on one disk.",
    epilog="Exit codes: 0 all went well, 1 unexpected, 2 wrong usage or configuration, 3 no storage or no address.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
configuration = typer.Typer(help="Look at a configuration without serving it.", no_args_is_help=True)
application.add_typer(configuration, name="config")
uploads = typer.Typer(help="Look after unfinished uploads.", no_args_is_help=True)
application.add_typer(uploads, name="uploads")
storage = typer.Typer(help="Look at the storage.", no_args_is_help=True)
application.add_typer(storage, name="storage")

ConfigFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="CONFIG",
        help="A configuration file as the Go registry takes it. Without one: the file REGISTRY_CONFIGURATION_PATH "
        "names, else ./data on 127.0.0.1:5000. REGISTRY_... variables apply on top.",
        show_default=False,
    ),
]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Warn about unknown keys and monitoring that is not served; do not stop.")
]


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"moorage {__version__}")
        raise typer.Exit


@application.callback()
def moorage(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """A container registry: one command on one disk."""
    del version


@application.command()
def serve(config: ConfigFile = None, *, lenient: Lenient = False) -> None:
    """Serve the registry until SIGTERM or Ctrl-C; a second signal stops at once."""
    from app.cli.serve import serve as run

    raise typer.Exit(run(config, lenient=lenient))


@application.command()
def version() -> None:
    """Print the versions of Moorage and of what it runs on."""
    from app.cli.version import version as run

    run()


@configuration.command()
def check(config: ConfigFile = None, *, lenient: Lenient = False) -> None:
    """Say whether a configuration can be served, and everything that is wrong with it."""
    from app.cli.config import check as run

    raise typer.Exit(run(config, lenient=lenient))


@configuration.command()
def show(config: ConfigFile = None, *, lenient: Lenient = False) -> None:
    """Print the configuration as it would hold, with defaults and variables; secrets are stars."""
    from app.cli.config import show as run

    raise typer.Exit(run(config, lenient=lenient))


@uploads.command()
def purge(
    config: ConfigFile = None,
    *,
    age: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Remove uploads that got nothing for so long, and an hour more for requests that still run. Without "
            "it: the age in the configuration, 168h if that says nothing.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed; remove nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
    lenient: Lenient = False,
) -> None:
    """Remove uploads that nobody goes on with, those of the Go registry too; the registry may serve meanwhile.

    Exit code 1 if something had to be left because of an error; it is named on standard error.
    """
    from app.cli.uploads import purge as run

    raise typer.Exit(run(config, age=age, dry_run=dry_run, as_json=as_json, lenient=lenient))


@storage.command()
def probe(
    config: ConfigFile = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
    lenient: Lenient = False,
) -> None:
    """Try out what the storage can do, and tell what follows; what is written for that is removed.

    Exit code 1 if the registry can't run on it: a line with NO says why.
    """
    from app.cli.storage import probe as run

    raise typer.Exit(run(config, as_json=as_json, lenient=lenient))


def main() -> None:
    """Run the command."""
    application(prog_name="moorage")
