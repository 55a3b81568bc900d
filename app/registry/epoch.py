"""Whom the cache believes: the epoch in ``state/now``, held as a lease, given up and won back by compare-and-swap.

Knows the identity of a Redis as a word only. The rules are those of the model in ``tests/support/cache_model.py``.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from app.oci.errors import Unavailable
from app.registry.maintenance.rounds import rounds
from cache.contract import CacheUnavailable, Lease
from drivers.errors import Conflict, DriverError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.registry.state import Now, Present
    from drivers.contract import Version

_log = logging.getLogger(__name__)
_INTERVAL: Final = 1.0  # seconds from a poll's end to the next one
_LEASE: Final = 2.0  # seconds for which an answer counts
_WAIT: Final = 2.5  # seconds until every lease on what is no more has ended; clocks may differ in speed by a quarter
_TRIES: Final = 10  # a swap that is lost is lost to a replica that won


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease, and the instant before what it is made of was asked for."""

    lease: Lease
    sent: float


@dataclass(frozen=True, slots=True)
class _Untrusting:
    """A state that trusts no Redis, and the first instant at which it surely was there."""

    version: Version
    seen: float


class Epoch:
    """A `cache.contract.Trust`: one for a process, polling inside `kept`.

    Without *present* nothing is ever believed, so there is nothing to give up either.

    Args:
        present: ``state/now``, where the store can compare and swap.
        identify: asks the process's Redis for its identity; raises `CacheUnavailable` when it does not answer in time.
        new_id: makes epochs; never the same twice, in any process.
        clock: seconds that only ever grow, also while the machine sleeps (``CLOCK_BOOTTIME``).
        sleep: waits for some seconds.
    """

    __slots__ = ("_away", "_begun", "_clock", "_held", "_identify", "_new_id", "_present", "_sleep", "_untrusting")

    def __init__(
        self,
        present: Present | None,
        *,
        identify: Callable[[], Awaitable[str]],
        new_id: Callable[[], str],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._present = present
        self._identify = identify
        self._new_id = new_id
        self._clock = clock
        self._sleep = sleep
        self._held: _Held | None = None
        self._untrusting: _Untrusting | None = None
        self._begun = False
        self._away = False

    def lease(self) -> Lease | None:
        """Return what counts at this instant; ``None`` when the last answer is too old, or there is none."""
        held = self._held
        if held is None or self._clock() >= held.sent + _LEASE:
            return None
        return held.lease

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Poll inside the block, at once and then every second. A poll under way is cancelled on leaving it."""
        if self._present is None:
            yield
            return
        async with rounds("the poll of state/now", self.poll, first=0, interval=_INTERVAL, pause=self._sleep):
            yield

    async def poll(self) -> None:
        """Renew the lease, and change ``state/now`` if it is this process's turn. A store that is away is logged once.

        One driver call, two when it changes something. Not to be called while another poll of this process is under
        way. Cancelled, the state may have been changed already; the next poll finds that.
        """
        if self._present is None:
            return
        try:
            await self._poll(self._present, await self._identity())
        except (DriverError, Unavailable) as error:
            if not self._away:
                _log.warning("state/now can't be polled, the shared cache is not believed: %s", error)
            self._away = True
        else:
            self._away = False

    async def abandon(self) -> None:
        """Make sure that no replica believes what any Redis holds now; return when all older leases have ended.

        One driver call if no Redis is trusted, else two, and then 2.5 s. Cancelled, it may have been done or not.

        Raises:
            CacheUnavailable: the store does not answer, so that can't be promised.
        """
        if self._present is None:
            return
        try:
            since = await self._abandon(self._present)
        except (DriverError, Unavailable) as error:
            raise CacheUnavailable(f"no new epoch: {error}") from error
        while (left := since + _WAIT - self._clock()) > 0:
            await self._sleep(left)

    async def _identity(self) -> str | None:
        try:
            return await self._identify()
        except CacheUnavailable:
            return None

    async def _poll(self, present: Present, identity: str | None) -> None:
        sent = self._clock()
        now, version = await present.read()
        if now.redis is not None:
            strange = identity is not None and identity != now.redis
            if self._begun and not strange:
                self._hold(now, sent)
                return
            # Before this process was there, Redis may have become what no live replica knows it to be.
            reason = "another Redis answers" if self._begun else "a start"
            try:
                await self._raise(present, now, version, reason)
            except Conflict:
                return  # the next poll sees what won
            return
        self._begun = True
        self._hold(now, sent)
        if self._untrusting is None or self._untrusting.version != version:
            self._untrusting = _Untrusting(version, self._clock())
        elif identity is not None and self._clock() >= self._untrusting.seen + _WAIT:
            await self._trust(present, now, version, identity)

    async def _abandon(self, present: Present) -> float:
        """Return an instant after which nobody could read a state that trusts a Redis without a new beginning."""
        for _ in range(_TRIES):
            sent = self._clock()
            now, version = await present.read()
            if now.redis is None:
                self._hold(now, sent)
                return self._clock()
            try:
                await self._raise(present, now, version, "Redis can't be told of a deletion")
            except Conflict:
                continue
            return self._clock()
        raise CacheUnavailable(f"no new epoch: state/now was changed by others {_TRIES} times")

    async def _raise(self, present: Present, now: Now, version: Version, reason: str) -> None:
        """Swap in a new epoch, which trusts no Redis."""
        fresh = msgspec.structs.replace(now, epoch=self._new_id(), redis=None)
        sent = self._clock()
        swapped = await present.replace(fresh, version)
        _log.info("new epoch of the cache: %s", reason)
        self._untrusting = _Untrusting(swapped, self._clock())
        self._begun = True
        self._hold(fresh, sent)

    async def _trust(self, present: Present, now: Now, version: Version, identity: str) -> None:
        """Swap in that the Redis of *identity* is trusted, unless the state has changed: the next poll sees to that."""
        trusting = msgspec.structs.replace(now, redis=identity)
        sent = self._clock()
        try:
            await present.replace(trusting, version)
        except Conflict:
            return
        _log.info("the cache trusts Redis %s", identity)
        self._hold(trusting, sent)

    def _hold(self, now: Now, sent: float) -> None:
        """Keep the lease that was asked for last: answers may come in another order."""
        if self._held is None or sent >= self._held.sent:
            self._held = _Held(Lease(now.epoch, now.redis), sent)
