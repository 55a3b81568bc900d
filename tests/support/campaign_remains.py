"""What uploads leave behind in a bucket, and the purge that takes it away."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import yaml

from drivers.errors import PathNotFound
from drivers.s3 import open_driver
from tests.support.aging import age_files
from tests.support.buckets import tree
from tests.support.programs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3stores import Store

_STATE: Final = ("/moorage/v1/state/uploads", "/moorage/v1/state/pieces")


async def leftovers(store: Store) -> list[str]:
    """Return what is left of sessions, and the uploads in parts that nobody has completed."""
    found = [f"in parts: {key}" for key in await store.uploads()]
    async with open_driver(store.settings()) as driver:
        for folder in _STATE:
            try:
                found += [file.path async for file in driver.walk(folder)]
            except PathNotFound:
                continue
    return found


async def purge(store: Store, folder: Path, config: Path) -> None:
    """Run `moorage uploads purge` until all is gone that was begun before now.

    Two hours pass for the files of *store*, which lie below *folder*: the purge leaves requests an hour to end. Twice,
    since what says that a session is over stays for as long again. *config* is written.

    Raises:
        AssertionError: the command failed, or complained.
    """
    config.write_text(yaml.safe_dump({"version": "0.1", "storage": tree(store)}))
    command = [sys.executable, "-m", "app", "uploads", "purge", str(config), "--age", "0s"]
    for _ in range(2):
        age_files(folder, timedelta(hours=2), folders=True)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, complaints = await process.communicate()
        if process.returncode != 0 or complaints:
            raise AssertionError(f"the purge ended with {process.returncode}: {complaints.decode()}")
