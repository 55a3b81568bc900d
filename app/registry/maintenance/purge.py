"""The purge: uploads that nobody will go on with are taken away, while everybody else goes on.

Any number of processes may purge at once, and one that is killed leaves what the next one finishes. What can't be read
is left as it is and reported.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from app.registry import layout
from app.registry.maintenance.changes import Made, Pretended
from app.registry.maintenance.clock import storage_now
from app.registry.maintenance.gosessions import FOLDER, GoSessions
from app.registry.maintenance.report import Report, Skipped
from app.registry.maintenance.sessions import Sessions
from app.registry.together import together
from drivers.errors import DriverError, PathNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime, timedelta

    from app.registry.maintenance.changes import Changes
    from app.registry.records import RecordCodec
    from drivers.contract import Driver, SupportsCompareAndSwap, SupportsMultipartPurge, UnfinishedUpload

_AT_ONCE: Final = 8  # sessions; a purge is in no hurry and leaves the store to the requests


class Purge:
    """Takes away stale uploads: our sessions, those of the Go registry, unfinished multipart uploads.

    Args:
        driver: where everything is.
        codec: how records of sessions are written.
        grace: the longest that a request is expected to run. A session is left alone for that long after its age is
            over, since a request that was admitted just before may still be at it.
        new_id: makes nonces, and names that nobody else uses.
        swap: the driver's power to create only, if the uploads use it.
        multipart: its power to tell of multipart uploads.
    """

    def __init__(
        self,
        driver: Driver,
        codec: RecordCodec,
        *,
        grace: timedelta,
        new_id: Callable[[], str],
        swap: SupportsCompareAndSwap | None = None,
        multipart: SupportsMultipartPurge | None = None,
    ) -> None:
        self._driver = driver
        self._grace = grace
        self._new_id = new_id
        self._multipart = multipart
        self._sessions = Sessions(driver, codec, swap=swap, new_id=new_id)
        self._go_sessions = GoSessions(driver)

    async def run(self, age: timedelta, *, dry: bool = False) -> Report:
        """Remove every upload whose last accepted write is older than *age* and the grace, by the storage's clock.

        With *dry* nothing is changed, and the report says what would be. When cancelled, it has done a part of its
        work; what it was at is whole or finished by the next run.

        Raises:
            DriverError: the storage can't be used at all.
        """
        before = await storage_now(self._driver, self._new_id()) - age - self._grace
        changes: Changes = Pretended() if dry else Made(self._driver)
        report = await self._purge_sessions(before, changes)
        report += await self._purge_go_sessions(before, changes)
        if self._multipart is not None:
            for folder in (layout.OWN, layout.ROOT):
                report += await self._purge_multipart(self._multipart, folder, before, changes)
        return report

    async def _purge_sessions(self, before: datetime, changes: Changes) -> Report:
        try:
            ids = await self._sessions.ids()
        except DriverError as error:
            return Report(skipped=(Skipped(layout.UPLOADS, str(error)),))

        def purge(session_id: str) -> Awaitable[Report]:
            step = self._sessions.purge(session_id, before, changes)
            return _tried(layout.upload_record(session_id, "").rstrip("/"), step)

        return sum(await together(purge, ids, at_once=_AT_ONCE), Report())

    async def _purge_go_sessions(self, before: datetime, changes: Changes) -> Report:
        report = Report()
        async with aclosing(self._go_sessions.folders()) as folders:
            async for folder in folders:
                if isinstance(folder, Skipped):
                    report += Report(skipped=(folder,))
                else:
                    report += await _tried(folder, self._go_sessions.purge(folder, before, changes))
        return report

    async def _purge_multipart(
        self, multipart: SupportsMultipartPurge, folder: str, before: datetime, changes: Changes
    ) -> Report:
        report = Report()
        try:
            uploads = [upload async for upload in multipart.unfinished(folder, before=before)]
        except DriverError as error:
            return Report(skipped=(Skipped(folder, str(error)),))
        for upload in uploads:
            report += await _tried(upload.path, self._abort(multipart, upload, before, changes))
        return report

    async def _abort(
        self, multipart: SupportsMultipartPurge, upload: UnfinishedUpload, before: datetime, changes: Changes
    ) -> Report:
        """The Go registry keeps one multipart upload through a whole session: its other files tell how old that is."""
        folder = upload.path.rpartition("/")[0]
        if f"/{FOLDER}/" in folder:
            files = [file async for file in self._driver.walk(folder)]
            if any(file.modified > before for file in files):
                return Report()
        await changes.abort(multipart, upload)
        return Report(multipart=1)


async def _tried(path: str, step: Awaitable[Report]) -> Report:
    """Await *step*, which concerns *path*; what fails is reported and left to the next run."""
    try:
        return await step
    except PathNotFound:
        return Report()  # somebody ended it meanwhile
    except DriverError as error:
        return Report(skipped=(Skipped(path, str(error)),))
