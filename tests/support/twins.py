"""One store that the Go registry and Moorage serve in turn, with the same secret, each from a process of its own."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.buckets import tree
from tests.support.goregistry import SECRET, go_registry
from tests.support.plainhttp import client
from tests.support.programs import moorage
from tests.support.s3stores import BUCKET, versitygw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.plainhttp import Client

STORES = ("filesystem", "versitygw")


class Twins:
    """Who serves the store now.

    Attributes:
        data: the folder that has the store's files, or the bucket's objects.
    """

    def __init__(self, storage: dict[str, Any], program: str, data: Path, folder: Path) -> None:
        self.data = data
        self._storage = storage
        self._program = program
        self._folder = folder
        self._serving = ExitStack()

    def stop(self) -> None:
        """Let nobody serve."""
        self._serving.close()

    def go(self) -> Client:
        """Let the Go registry serve from now on, and connect to it."""
        self.stop()
        address = self._serving.enter_context(go_registry(self._program, self._storage, redirect=False))
        return self._serving.enter_context(client(address))

    def moorage(self) -> Client:
        """Let Moorage serve from now on, and connect to it."""
        return self._serving.enter_context(client(self.replica(first=True)))

    def replica(self, *, first: bool = False) -> str:
        """Start a process of Moorage, beside those that serve unless it is to be the *first*; return its address."""
        if first:
            self.stop()
        settings = {
            "storage": {**self._storage, "redirect": {"disable": True}, "delete": {"enabled": True}},
            "http": {"addr": "127.0.0.1:0", "secret": SECRET},
        }
        return self._serving.enter_context(moorage(self._folder, settings)).address


@contextmanager
def twins(store: str, program: str, folder: Path) -> Iterator[Twins]:
    """Make a store of the kind *store* below *folder*; *program* is the Go registry's."""
    with ExitStack() as stack:
        if store == "filesystem":
            data = folder / "shared"
            storage: dict[str, Any] = {"filesystem": {"rootdirectory": str(data)}}
        else:
            server = stack.enter_context(versitygw(folder / "store"))
            asyncio.run(server.create_bucket())
            data = folder / "store" / "buckets" / BUCKET
            storage = {"s3": tree(server)["s3"]}
        pair = Twins(storage, program, data, folder / "moorage")
        stack.callback(pair.stop)
        yield pair
