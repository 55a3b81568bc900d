"""Content on its way to the store: the chunks in which it came, never put together.

Large blocks of memory cost more than what is done with them, and those that are given back leave holes.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Final

from aiohttp.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aiohttp.abc import AbstractStreamWriter

_STEP: Final = 64 << 10


class Content(Payload):
    """Chunks as the HTTP library sends them, a step at a time, and as a file for the SDK, which signs it before.

    The SDK leaves what it has sent in circles of references, which nobody collects for a while, so `forget` it.

    Attributes:
        sha256: the digest of all of it, in hex; empty: nobody knows it yet.
    """

    _autoclose = True

    def __init__(self, chunks: Iterable[bytes], sha256: str = "") -> None:
        self._chunks = tuple(chunks)
        super().__init__(self._chunks, content_type="application/octet-stream")
        self._value = None
        self._size = self._length = sum(map(len, self._chunks))
        self._at = 0
        self.sha256 = sha256

    def __len__(self) -> int:
        return self._length

    def forget(self) -> None:
        """Let go of the chunks."""
        self._chunks = ()

    def again(self) -> Content:
        """Return the same content, to be sent once more."""
        return Content(self._chunks, self.sha256)

    def hash(self) -> None:
        """Compute the digest. Blocks."""
        computed = hashlib.sha256()
        for chunk in self._chunks:
            computed.update(chunk)
        self.sha256 = computed.hexdigest()

    # What the HTTP library asks for.

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._chunks).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for step in self._steps():
            await writer.write(step)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        del content_length  # which is that of all of it
        await self.write(writer)

    # What the SDK asks for.

    def read(self, size: int = -1) -> bytes:
        """Return bytes from where the last read ended, up to the end of their chunk; none at the end."""
        start = 0
        for chunk in self._chunks:
            if self._at < start + len(chunk):
                first = self._at - start
                found = chunk[first:] if size < 0 else chunk[first : first + size]
                self._at += len(found)
                return found
            start += len(chunk)
        return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to *offset*."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        return self._at

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def _steps(self) -> Iterator[bytes | memoryview]:
        for chunk in self._chunks:
            if len(chunk) <= _STEP:
                yield chunk
                continue
            with memoryview(chunk) as view:
                for start in range(0, len(chunk), _STEP):
                    yield view[start : start + _STEP]
