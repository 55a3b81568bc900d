"""A process of the registry that does as it is told on its standard input, one line at a time.

Run as ``python -m tests.support.racer ROOT``. A race is two lines: what to do, answered with "ready" when only the
bytes are left to be written, and "go".
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from app.oci.digest import Digest
from app.oci.errors import BlobUploadUnknown
from app.oci.reference import RepositoryName
from app.registry.contracts import UploadOutOfOrder, UploadSession
from app.registry.digester import Digesters, find_libcrypto
from app.registry.hashing import Hashing
from app.registry.stores import LinkedBlobStores
from app.registry.uploads import Uploads
from cache.null import NullCache
from drivers.filesystem import FilesystemDriver

if TYPE_CHECKING:
    from app.registry.linked import LinkedBlobStore

NAME: Final = RepositoryName.parse("team/app")


class Standing(msgspec.Struct, frozen=True):
    """Where a session stands, as a Location would say it."""

    id: str
    started: datetime
    offset: int = 0
    record: str | None = None
    nonce: str | None = None

    @classmethod
    def of(cls, session: UploadSession) -> Standing:
        """Say it of *session*."""
        return cls(session.id, session.started, session.offset, session.record, session.nonce)

    def session(self) -> UploadSession:
        """Return the session."""
        return UploadSession(NAME, self.id, self.started, self.offset, self.record, self.nonce)


class Told(msgspec.Struct, frozen=True):
    """What to do: go on with *standing* by *body*; with *digest*, publish it."""

    standing: Standing
    body: bytes = b""
    digest: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """How it ended: ``parked``, ``refused`` (both with where the session stands), ``unknown`` or ``published``."""

    what: str
    standing: Standing | None = None


async def _line() -> bytes:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)


def _answer(outcome: Outcome) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    sys.stdout.buffer.flush()


async def _race(blobs: LinkedBlobStore, told: Told) -> Outcome:
    closing = Digest.parse(told.digest) if told.digest else None
    try:
        async with blobs.resume(told.standing.session(), closing=closing) as writer:
            _answer(Outcome("ready"))
            await _line()
            if told.body:
                await writer.write(told.body)
            if closing is None:
                return Outcome("parked", Standing.of(await writer.park()))
            await writer.commit(closing)
            return Outcome("published")
    except UploadOutOfOrder as refused:
        return Outcome("refused", Standing.of(refused.session))
    except BlobUploadUnknown:
        return Outcome("unknown")


async def _main(root: str) -> None:
    async with FilesystemDriver(root, fsync=False) as driver:
        uploads = Uploads(
            driver,
            hashing=Hashing(Digesters(find_libcrypto())),
            key=b"key",
            boot="boot",
            max_age=timedelta(days=1),
            now=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid.uuid4()),
            swap=driver,
            extend=driver,
        )
        blobs = LinkedBlobStores(driver, NullCache(), ingestion=uploads.into).layers(NAME)
        while line := await _line():
            _answer(await _race(blobs, msgspec.json.decode(line, type=Told)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
