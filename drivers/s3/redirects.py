"""URLs with which a client reads a file from the store by itself. No request is made for one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from drivers.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from drivers.s3.sigv4 import Credentials, Presigner

_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """Credentials and when they end; None is never, or not known to."""

    credentials: Credentials
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Remembered:
    url: str
    access_key: str
    renew: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Redirects:
    """Makes URLs and hands out the same again until half of its life has passed, which is good for clients' caches.

    Args:
        base: scheme, host and path of the bucket, as clients reach it.
        presigner: who signs.
        grant: returns the credentials of now.
        seconds: the life of a URL, unless the credentials end before.
        now: the clock, in UTC.
    """

    def __init__(
        self,
        base: str,
        presigner: Presigner,
        grant: Callable[[], Awaitable[Grant]],
        *,
        seconds: float,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._base: Final = base
        self._presigner: Final = presigner
        self._grant: Final = grant
        self._life: Final = timedelta(seconds=int(seconds))
        self._now: Final = now
        self._urls: Final[OrderedDict[str, _Remembered]] = OrderedDict()

    async def url(self, key: str) -> str:
        """Return a URL that reads the object with *key*, whether there is one or not.

        Raises:
            Unavailable: there are no credentials, or they have ended.
        """
        grant = await self._grant()
        credentials, now = grant.credentials, self._now()
        known = self._urls.get(key)
        if known is not None and now < known.renew and known.access_key == credentials.access_key:
            self._urls.move_to_end(key)
            return known.url
        life = self._life if grant.ends is None else min(self._life, grant.ends - now)
        seconds = int(life.total_seconds())
        if seconds < 1:
            raise Unavailable("the credentials for the store have ended")
        url = self._presigner.presign(self._base, key, credentials, now=now, seconds=seconds)
        self._urls[key] = _Remembered(url, credentials.access_key, now + life / 2)
        self._urls.move_to_end(key)
        if len(self._urls) > _MOST:
            self._urls.popitem(last=False)
        return url
