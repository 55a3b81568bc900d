"""What a store does with conditions: asked, never assumed. Some ignore them, which looks like success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import Conflict, DriverError
from drivers.s3.faults import NotSupportedError
from drivers.s3.swap import Swap

if TYPE_CHECKING:
    from drivers.contract import Version
    from drivers.s3.client import Client


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which conditions a store heeds.

    Attributes:
        create: PUT with ``If-None-Match: *``.
        swap: PUT with ``If-Match``.
        remove: DELETE with ``If-Match``.
    """

    create: bool
    swap: bool
    remove: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator ought to be told."""
        if not (self.create and self.swap):
            return ("the store does not heed If-Match and If-None-Match: replicas can't agree through it",)
        if not self.remove:
            return ("the store does not heed If-Match of a DELETE: tags can't be deleted under a condition",)
        return ()


async def probe(client: Client, path: str) -> Conditions:
    """Find out with a file at *path*, which nobody else has; it is removed again. Seven requests.

    Raises:
        Unavailable: the bucket can't be written to; the message says why.
    """
    swap = Swap(client, removes=True)
    first = await client.put(path, b"first")
    try:
        create = await _refused(swap, path, None)
        # Whatever has become of the file, from here on it has another version than the first.
        second = await client.put(path, b"second")
        heeds = await _refused(swap, path, first) and await _swaps(swap, path, second)
        remove = await _keeps(swap, path, first)
    finally:
        await client.delete(path)
    return Conditions(create, heeds, remove)


async def _refused(swap: Swap, path: str, version: Version | None) -> bool:
    try:
        await (swap.create(path, b"other") if version is None else swap.swap(path, b"other", version))
    except Conflict:
        return True
    except NotSupportedError:
        return False
    return False


async def _swaps(swap: Swap, path: str, version: Version) -> bool:
    try:
        await swap.swap(path, b"third", version)
    except DriverError:
        return False
    return True


async def _keeps(swap: Swap, path: str, version: Version) -> bool:
    try:
        await swap.remove(path, version)
    except Conflict:
        return True
    except NotSupportedError:
        return False
    return False
