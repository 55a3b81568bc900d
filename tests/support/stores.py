"""The S3 servers that tests may ask for by name, each with an empty bucket. Where its programs are missing tests skip."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.support import radosgw, s3stores
from tests.support.programs import needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.s3stores import Store

LONG: Final = ("moto", "radosgw")  # the stores of `make e2e-long`, beside versitygw, which `make e2e` has


@contextmanager
def started(name: str, folder: Path) -> Iterator[Store]:
    """Start the server called *name*, which may keep its files below *folder*, and make the bucket."""
    match name:
        case "moto":
            server = s3stores.moto()
        case "versitygw":
            server = s3stores.versitygw(folder)
        case "radosgw":
            for program in radosgw.PROGRAMS:
                needed(program)
            server = radosgw.radosgw(folder)
        case _:
            raise AssertionError(f"there is no store called {name}")
    with server as store:
        asyncio.run(store.create_bucket())
        yield store
