"""What time it is for the store: ages are told by its clock, never by that of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.registry import layout

if TYPE_CHECKING:
    from datetime import datetime

    from drivers.contract import Driver


async def storage_now(driver: Driver, name: str) -> datetime:
    """Return the time by the clock that `FileInfo.modified` is read from. Three driver calls.

    It is that of an empty file which is written and removed again. The newest file that is there anyway would not do:
    in a registry at rest it is as old as everything else. The file lies where an upload session's records do, *name*
    being the session, so that what a crash leaves is purged like any session.
    """
    path = layout.upload_record(name, "clock")
    try:
        await driver.put(path, b"")
        return (await driver.stat(path)).modified
    finally:
        await driver.delete(path)
