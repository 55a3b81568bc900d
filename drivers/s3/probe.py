"""What a store does with conditions: asked, never assumed. Some ignore them, which looks like success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drivers.contract import Version
from drivers.errors import Conflict
from drivers.s3.faults import NotSupportedError
from drivers.s3.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from drivers.s3.client import Client


_OTHER: Final = Version('"00000000000000000000000000000000"')


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which conditions a store heeds.

    Attributes:
        create: PUT with ``If-None-Match: *``.
        swap: PUT with ``If-Match``.
        remove: DELETE with ``If-Match``, also where nothing is.
    """

    create: bool
    swap: bool
    remove: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator ought to be told."""
        if self.create and self.swap:
            return ()
        return ("the store does not heed If-Match and If-None-Match: replicas can't agree through it",)


async def probe(client: Client, path: str) -> Conditions:
    """Find out with a file at *path*, which nobody else has; it is removed again. Seven requests.

    Raises:
        Unavailable: the bucket can't be written to; the message says why.
    """
    swap = Swap(client, removes=True)
    first = await client.put(path, b"first")
    try:
        create = await _refused(swap.create(path, b"second"))
        others = await _refused(swap.swap(path, b"third", _OTHER))
        swaps = others and not await _refused(swap.swap(path, b"fourth", first))
        remove = await _refused(swap.remove(path, _OTHER))
    finally:
        await client.delete(path)
    return Conditions(create, swaps, remove and await _refused(swap.remove(path, first)))


async def _refused(write: Coroutine[None, None, object]) -> bool:
    """Tell whether *write* was refused for its condition; one that the store doesn't know is not."""
    try:
        await write
    except Conflict:
        return True
    except NotSupportedError:
        return False
    return False
