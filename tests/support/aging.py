"""Stores on which time passes as a test says, by the storage's own clock."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.registry.maintenance.purge import Purge
from app.registry.records import RecordCodec
from drivers.contract import SupportsCompareAndSwap, SupportsMultipartPurge
from drivers.memory import MemoryDriver
from tests.support.uploading import DAY, Site, Sort

if TYPE_CHECKING:
    from app.registry.maintenance.report import Report
    from drivers.contract import Driver

GRACE = timedelta(hours=1)
LONG_AGO = DAY + GRACE + timedelta(minutes=1)


@dataclass
class StoreClock:
    """The clock of a memory driver, which has nothing to do with that of anybody else."""

    now: datetime = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass
class Aging:
    """A site with a purge, and time that passes.

    Attributes:
        root: the folder of a filesystem driver.
    """

    site: Site
    clock: StoreClock = field(default_factory=StoreClock)
    root: Path | None = None

    @classmethod
    def in_memory(cls, sort: Sort) -> Aging:
        """A site in memory."""
        clock = StoreClock()
        return cls(Site(sort, MemoryDriver(now=lambda: clock.now)), clock)

    def pass_by(self, time: timedelta) -> None:
        """Let everything that is stored become older."""
        self.site.now += time
        self.clock.now += time
        if self.root is not None:
            age_files(self.root, time)

    def purge(self, driver: Driver | None = None) -> Purge:
        """A purge in a process of its own."""
        driver = self.site.driver if driver is None else driver
        swaps = isinstance(driver, SupportsCompareAndSwap) and self.site.sort is not Sort.PLAIN
        return Purge(
            driver,
            RecordCodec(b"key"),
            grace=GRACE,
            new_id=self.site.new_id,
            swap=driver if swaps and isinstance(driver, SupportsCompareAndSwap) else None,
            multipart=driver if isinstance(driver, SupportsMultipartPurge) else None,
        )

    async def run(self, *, dry: bool = False) -> Report:
        """Purge what is older than a day."""
        return await self.purge().run(DAY, dry=dry)

    async def tree(self) -> dict[str, bytes]:
        """Everything that is stored."""
        return {file.path: await self.site.driver.get(file.path) async for file in self.site.driver.walk("/")}


def age_files(root: Path, time: timedelta, *, folders: bool = False) -> None:
    """Make every file below *root* older, and every folder if *folders*."""
    for folder, inner, names in os.walk(root):
        for name in [*names, *(inner if folders else ())]:
            path = Path(folder, name)
            status = path.stat()
            os.utime(path, (status.st_atime, status.st_mtime - time.total_seconds()))


def fingerprint(root: Path) -> dict[str, tuple[str, float]]:
    """What every file below *root* holds and when it was written, but for the driver's scratch."""
    return {
        str(path.relative_to(root)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime)
        for path in sorted(root.rglob("*"))
        if path.is_file() and "/moorage/v1/tmp/" not in str(path)
    }
