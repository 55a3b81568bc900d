"""Upload sessions that the Go registry began and nobody ended: `_uploads/<uuid>` below a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.registry import layout
from app.registry.maintenance.report import Report, Skipped
from drivers.errors import DriverError, PathNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from app.registry.maintenance.changes import Changes
    from drivers.contract import Driver

FOLDER: Final = "_uploads"


class GoSessions:
    """The Go registry's sessions in the store of *driver*."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def folders(self) -> AsyncGenerator[str | Skipped]:
        """Yield the folder of each session, and what could not be listed: one listing for each repository.

        Links are not listed: no repository's name has a part that begins with an underscore.
        """
        ahead = [layout.REPOSITORIES]
        while ahead:
            folder = ahead.pop()
            try:
                names = [name async for name in self._driver.list(folder)]
            except PathNotFound:
                continue  # a file, or gone by now
            except DriverError as error:
                yield Skipped(folder, str(error))
                continue
            if folder.endswith(f"/{FOLDER}"):
                for name in names:
                    yield f"{folder}/{name}"
            else:
                ahead.extend(f"{folder}/{name}" for name in names if name == FOLDER or not name.startswith("_"))

    async def purge(self, folder: str, before: datetime, changes: Changes) -> Report:
        """Remove a session's *folder* if its newest file is not newer than *before*. One listing if it is.

        What the Go registry wrote about the start is not asked: it may be missing, and tells nothing of later writes.

        Raises:
            DriverError: it could not be looked at or removed.
        """
        files = [file async for file in self._driver.walk(folder)]
        if not files or any(file.modified > before for file in files):
            return Report()
        await changes.delete_tree(folder)
        return Report(1, len(files), sum(file.size for file in files))
