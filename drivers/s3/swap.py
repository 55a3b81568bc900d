"""Writes that happen only if the object is as the caller believes, by If-Match and If-None-Match."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from drivers.errors import Conflict, PathNotFound, Unavailable
from drivers.s3.answers import version_of
from drivers.s3.attempts import Tries
from drivers.s3.client import MARK
from drivers.s3.faults import PreconditionFailedError

if TYPE_CHECKING:
    from drivers.contract import Version
    from drivers.s3.client import Client


class Swap:
    """The compare-and-swap of a bucket whose store heeds conditions.

    One request each, and a HEAD where an answer was lost and the next attempt meets another object than expected: each
    write has a token, so what was written can be told from what others wrote, also if the content is the same.

    Args:
        client: who makes the requests.
        removes: the store heeds the condition of a DELETE, too. Where it does not, a file is made empty under the
            condition of a PUT before it is deleted; a plain write in between may be lost.
    """

    def __init__(self, client: Client, *, removes: bool) -> None:
        self._client: Final = client
        self._removes: Final = removes

    async def create(self, path: str, content: bytes) -> Version:
        """As `drivers.contract.SupportsCompareAndSwap.create`."""
        return await self._put(path, content, IfNoneMatch="*")

    async def swap(self, path: str, content: bytes, version: Version) -> Version:
        """As `drivers.contract.SupportsCompareAndSwap.swap`.

        Raises:
            Unavailable: also when nobody can tell whether this write or another one has changed the version.
        """
        return await self._put(path, content, IfMatch=version)

    async def remove(self, path: str, version: Version) -> None:
        """As `drivers.contract.SupportsCompareAndSwap.remove`.

        Raises:
            Unavailable: also as `swap`.
        """
        if not self._removes:
            empty = await self.swap(path, b"", version)
            with suppress(PreconditionFailedError, PathNotFound):
                await self._client.ask("delete_object", path, settle=True, IfMatch=empty)
            return
        tries = Tries()
        try:
            await self._client.ask("delete_object", path, settle=True, tries=tries, IfMatch=version)
        except (PreconditionFailedError, PathNotFound):
            if tries.failed:
                raise _unknown(path) from None
            raise Conflict(path) from None

    async def _put(self, path: str, content: bytes, **condition: Any) -> Version:
        token, tries = secrets.token_hex(12), Tries()
        kind = {**self._client.kind, "Metadata": {MARK: token}}
        try:
            answer = await self._client.ask(
                "put_object", path, content=content, check=version_of, tries=tries, **kind, **condition
            )
        except (PreconditionFailedError, PathNotFound):
            if not tries.failed:
                raise Conflict(path) from None
            return await self._written(path, token, create="IfNoneMatch" in condition)
        return version_of(answer)

    async def _written(self, path: str, token: str, *, create: bool) -> Version:
        try:
            head = await self._client.head(path)
        except PathNotFound:
            raise _unknown(path) from None
        if head.token == token:
            return head.version
        if create:
            raise Conflict(path)
        raise _unknown(path)


def _unknown(path: str) -> Unavailable:
    return Unavailable(f"{path}: an answer was lost, and the file has changed", retry_after=1.0)
