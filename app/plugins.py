"""What a configuration names becomes an object: each storage driver is found, and imported, only where it is asked for.

A process on a disk must not pay for the SDK of a cloud: 0.3 seconds of start and 10 MiB of memory.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from app.config.units import Secret
from drivers.filesystem.driver import FilesystemDriver
from drivers.filesystem.survey import survey as survey_disk
from drivers.finding import Finding
from drivers.memory import MemoryDriver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AsyncExitStack

    from app.config.model import Storage
    from app.config.s3 import S3
    from drivers.contract import Driver
    from drivers.s3 import S3Settings

logger = logging.getLogger(__name__)
_ABANDONED: Final = 86_400.0  # seconds after which nobody goes on with a temporary file


async def open_storage(stack: AsyncExitStack, storage: Storage, *, sweep: bool = True) -> Driver:
    """Return the driver that *storage* names, open until *stack* is closed. What it warns of is logged.

    *sweep* removes temporary files of processes that are gone.

    Raises:
        DriverError, OSError: the storage is not usable.
    """
    if storage.s3 is not None:
        from drivers.s3 import open_driver  # noqa: PLC0415 - see above

        bucket = await stack.enter_async_context(open_driver(s3_settings(storage.s3)))
        for warning in bucket.warnings:
            logger.warning(warning)
        return bucket
    if storage.filesystem is None:
        return MemoryDriver()
    disk = FilesystemDriver(storage.filesystem.rootdirectory, maxthreads=storage.filesystem.maxthreads)
    for warning in disk.warnings:
        logger.warning(warning)
    await stack.enter_async_context(disk)
    if sweep:
        await disk.sweep(_ABANDONED)
    return disk


async def survey_storage(storage: Storage) -> AsyncGenerator[Finding]:
    """Yield what the storage can do, tried out. Nothing that was there is touched, and nothing is left.

    Raises:
        DriverError, OSError: it can't be reached.
    """
    if storage.s3 is not None:
        from drivers.s3.survey import survey  # noqa: PLC0415 - see above

        async with aclosing(survey(s3_settings(storage.s3))) as findings:
            async for finding in findings:
                yield finding
    elif storage.filesystem is not None:
        for finding in survey_disk(storage.filesystem.rootdirectory):
            yield finding
    else:
        yield Finding("keep anything", holds=False, follows="in memory all content ends with the process")


def s3_settings(section: S3) -> S3Settings:
    """Return what the S3 driver makes of its section.

    Raises:
        ValueError: it refuses a value; the message is a sentence for the operator.
    """
    from drivers.s3 import S3Settings  # noqa: PLC0415 - see above

    given: dict[str, Any] = {name: getattr(section, name) for name in section.__struct_fields__}
    given |= {name: value.reveal() for name, value in given.items() if isinstance(value, Secret)}
    return S3Settings(**{**given, "checksums": section.checksums.value})
