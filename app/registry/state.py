"""What all processes on one store agree on: its format, the secret that signs, and the state that is read fresh.

Everything here is created once by whoever comes first and read back by the rest. Who is trusted and who collects is
decided elsewhere, by compare-and-swap on ``state/now``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec

from app.oci.errors import Unavailable
from app.registry import layout
from drivers.errors import Conflict, PathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.contract import Driver, SupportsCompareAndSwap, Version

VERSION: Final = 1
_SECRET_BYTES: Final = 32

T = TypeVar("T")


class FormatUnsupported(Exception):
    """The store was written by a Moorage whose format this one does not know; it must not be touched."""


class StateInvalid(Unavailable):
    """One of the registry's own files is missing or damaged. The message names the file."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"the registry's own file {path} {problem}")
        self.path = path


class Format(msgspec.Struct, frozen=True):
    """How the store is laid out, and whether others may write to it.

    Attributes:
        version: of the tree below ``moorage``.
        storage: names the store; made when it was first used.
        mode: ``shared`` when a Go registry may write at the same time.
    """

    version: int
    storage: str
    mode: Literal["exclusive", "shared"] = "exclusive"


class Now(msgspec.Struct, frozen=True):
    """What must be read fresh.

    Attributes:
        epoch: of the cache; membership from another epoch counts for nothing.
        collector: number of the collector's run.
        active: whether that run is under way.
        redis: the one Redis that is trusted in this epoch, if any.
    """

    epoch: str
    collector: int = 0
    active: bool = False
    redis: str | None = None


class State:
    """The state of one store, as this process opened it.

    Attributes:
        format: does not change while anybody runs.
        secret: the same in every process; signs what clients carry.
    """

    __slots__ = ("_driver", "format", "secret")

    def __init__(self, driver: Driver, format_: Format, secret: bytes) -> None:
        self._driver = driver
        self.format = format_
        self.secret = secret

    async def now(self) -> Now:
        """Read ``state/now`` fresh. One driver call.

        Raises:
            StateInvalid: it is missing or damaged.
        """
        try:
            return _decode(layout.NOW, await self._driver.get(layout.NOW), Now)
        except PathNotFound:
            raise _now_missing() from None


class Present:
    """``state/now`` with the mark of what it says, to be changed by compare-and-swap."""

    __slots__ = ("_swap",)

    def __init__(self, swap: SupportsCompareAndSwap) -> None:
        self._swap = swap

    async def read(self) -> tuple[Now, Version]:
        """Read it fresh. One driver call.

        Raises:
            StateInvalid: it is missing or damaged.
        """
        try:
            raw, version = await self._swap.get_version(layout.NOW)
        except PathNotFound:
            raise _now_missing() from None
        return _decode(layout.NOW, raw, Now), version

    async def replace(self, now: Now, version: Version) -> Version:
        """Let it say *now*, if it still is what it was at *version*. One driver call.

        Raises:
            Conflict: it is not.
        """
        return await self._swap.swap(layout.NOW, msgspec.json.encode(now), version)


async def open_state(
    driver: Driver,
    *,
    swap: SupportsCompareAndSwap | None,
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
) -> State:
    """Open the state of the store behind *driver*, creating what is not there yet.

    *swap* is the driver's power to compare and swap, if it has it.

    However many processes start at once, all return the same secret; only on a store without compare-and-swap the very
    first start must be alone.

    Raises:
        FormatUnsupported: the store is of another format.
        StateInvalid: a file is damaged.
    """
    raw = await _agree(driver, swap, layout.FORMAT, lambda: msgspec.json.encode(Format(VERSION, new_id())))
    _require_known(raw)
    format_ = _decode(layout.FORMAT, raw, Format)
    secret = _whole(await _agree(driver, swap, layout.SECRET, lambda: random_bytes(_SECRET_BYTES)))
    await _agree(driver, swap, layout.NOW, lambda: msgspec.json.encode(Now(new_id())))
    state = State(driver, format_, secret)
    await state.now()
    return state


async def find_secret(driver: Driver) -> bytes:
    """Return the secret of the store behind *driver*; empty if the store has none, so that nothing of it is signed.

    Nothing is created. Two driver calls.

    Raises:
        FormatUnsupported: the store is of another format.
        StateInvalid: a file is damaged.
    """
    try:
        _require_known(await driver.get(layout.FORMAT))
        return _whole(await driver.get(layout.SECRET))
    except PathNotFound:
        return b""


class _Versioned(msgspec.Struct):
    version: int


def _now_missing() -> StateInvalid:
    return StateInvalid(layout.NOW, "is missing: it may only be removed while no replica runs")


def _require_known(raw: bytes) -> None:
    version = _decode(layout.FORMAT, raw, _Versioned).version
    if version != VERSION:
        raise FormatUnsupported(
            f"{layout.FORMAT} says format {version}; this Moorage knows format {VERSION} only: use a newer one"
        )


def _whole(secret: bytes) -> bytes:
    if len(secret) != _SECRET_BYTES:
        raise StateInvalid(layout.SECRET, f"has {len(secret)} bytes instead of {_SECRET_BYTES}")
    return secret


async def _agree(driver: Driver, swap: SupportsCompareAndSwap | None, path: str, make: Callable[[], bytes]) -> bytes:
    """Return the file at *path*: what others wrote, else what *make* returns."""
    try:
        return await driver.get(path)
    except PathNotFound:
        pass
    content = make()
    if swap is not None:
        try:
            await swap.create(path, content)
        except Conflict:
            return await driver.get(path)
        return content
    await driver.put(path, content)
    return await driver.get(path)


def _decode(path: str, raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise StateInvalid(path, f"is damaged: {error}") from None
