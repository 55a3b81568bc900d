"""An upload that the Go registry began becomes one of ours: its bytes are read once, and acknowledged by a record.

It keeps a session in a folder: when it began, states of its hashes, which we leave alone, and the bytes. In a bucket
these are an unfinished multipart upload, which must be completed before anybody can read it: from then on the session
is ours alone. The first record decides between requests that adopt at once, as it does between those that push.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from app.oci.errors import BlobUploadUnknown
from app.registry import layout
from app.registry.contracts import UploadOutOfOrder
from drivers.errors import DriverError, PathNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.registry.contracts import UploadSession
    from app.registry.ledger import Ledger
    from app.registry.session import SessionWriter
    from drivers.contract import Driver, SupportsMultipartRecovery

_log = logging.getLogger(__name__)


class Adoption:
    """Takes over sessions in the store of *driver*.

    Args:
        driver: where they are.
        ledger: the records.
        recovery: the driver's power to complete what another program has left in parts, if it has it.
        decisive: whether of several records at one place only one can be, so that what was adopted can be removed;
            else a client that comes again with the old Location would find nothing.
    """

    def __init__(
        self, driver: Driver, ledger: Ledger, *, recovery: SupportsMultipartRecovery | None, decisive: bool
    ) -> None:
        self._driver = driver
        self._ledger = ledger
        self._recovery = recovery
        self._decisive = decisive

    async def adopt(
        self, session: UploadSession, writer: Callable[[UploadSession, int], SessionWriter]
    ) -> UploadSession:
        """Return a session of ours that has the bytes of *session*, and all that came to it since.

        It may stand elsewhere than *session* says: that is what a client was told, this is what is there.

        Args:
            session: a foreign one.
            writer: makes what writes a new session, to which so many bytes are likely to come.

        Raises:
            BlobUploadUnknown: it is not there, or it is over.
            Unavailable: the backend failed; to try again is safe.
        """
        start = replace(session, offset=0, foreign=False)
        newest = await self._ledger.newest(start)
        if newest is not start:
            return newest  # adopted by an earlier request
        await self._require(session)
        try:
            adopted = await self._take(session, start, writer)
        except UploadOutOfOrder as error:
            return error.session
        except DriverError:
            adopted = await self._ledger.newest(start)
            if adopted is start:
                raise
        if adopted.record is not None:
            await self.remove(session)
            return adopted
        # Nothing is there, or somebody else has just taken it away.
        newest = await self._ledger.newest(start)
        if newest is start:
            await self._require(session)
        return newest

    async def remove(self, session: UploadSession) -> None:
        """Remove what the Go registry stored, where that does no harm. What can't be removed is left to the purge."""
        if not self._decisive:
            return
        try:
            await self._driver.delete_tree(layout.foreign_upload(session.repository, session.id))
        except DriverError as failure:
            _log.warning("left for the purge of the foreign session %s: %s", session.id, failure)

    async def _take(
        self, session: UploadSession, start: UploadSession, writer: Callable[[UploadSession, int], SessionWriter]
    ) -> UploadSession:
        path = f"{layout.foreign_upload(session.repository, session.id)}/data"
        if self._recovery is not None:
            await self._recovery.recover(path)
        async with AsyncExitStack() as stack:
            try:
                size = (await self._driver.stat(path, file=True)).size
                chunks = await stack.enter_async_context(self._driver.reader(path, length=size))
            except PathNotFound:
                return start
            own = await stack.enter_async_context(writer(start, size))
            async for chunk in chunks:
                await own.write(chunk)
            return await own.park()

    async def _require(self, session: UploadSession) -> None:
        with suppress(PathNotFound):
            await self._driver.get(f"{layout.foreign_upload(session.repository, session.id)}/startedat")
            return
        raise BlobUploadUnknown
