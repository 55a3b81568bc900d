"""Files put together from others, the bytes staying in the store where that is possible."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from drivers.errors import PathNotFound, Unavailable
from drivers.s3.faults import PreconditionFailedError, RangeError
from drivers.s3.multipart import Multipart
from drivers.s3.parallel import run_all
from drivers.s3.plan import Copied, Joined, Span, plan
from drivers.s3.settings import MAX_PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.contract import Part
    from drivers.s3.client import Client
    from drivers.s3.settings import S3Settings

_READS: Final = 16


class Composer:
    """What puts files together: nothing but a tail by one PUT, a file alone by one copy, all else by a copy in parts.

    A part that is read because it is too small to be copied costs one GET.
    """

    def __init__(self, client: Client, settings: S3Settings) -> None:
        self._client: Final = client
        self._settings: Final = settings

    async def compose(self, target: str, parts: Sequence[Part], tail: bytes = b"") -> None:
        """As `drivers.contract.SupportsCompose.compose`."""
        planned = plan(
            [part.size for part in parts],
            tail=bool(tail),
            threshold=self._settings.multipartcopythresholdsize,
            chunk=self._settings.multipartcopychunksize,
        )
        match planned:
            case [Joined(spans)]:
                await self._client.put(target, await self._read(parts, spans) + tail)
            case [Copied(span)]:
                await self._client.copy(parts[span.index], target)
            case _:
                await self._in_parts(target, parts, planned, tail)

    async def _in_parts(
        self, target: str, parts: Sequence[Part], planned: Sequence[Copied | Joined], tail: bytes
    ) -> None:
        if len(planned) > MAX_PARTS:
            raise Unavailable(f"{target}: more than {MAX_PARTS} parts")
        upload = await Multipart.create(self._client, target)
        completed = False
        try:
            await run_all(
                [
                    partial(self._part, upload, number, parts, each, tail if number == len(planned) else b"")
                    for number, each in enumerate(planned, 1)
                ],
                self._settings.multipartcopymaxconcurrency,
            )
            await upload.complete()
            completed = True
        finally:
            if not completed:
                await upload.abort()

    async def _part(
        self, upload: Multipart, number: int, parts: Sequence[Part], planned: Copied | Joined, tail: bytes
    ) -> None:
        if isinstance(planned, Copied):
            span = planned.span
            await upload.copy(number, parts[span.index], span.start, span.stop)
        else:
            await upload.send(number, await self._read(parts, planned.spans) + tail)

    async def _read(self, parts: Sequence[Part], spans: Sequence[Span]) -> bytes:
        return b"".join(await run_all([partial(self._span, parts[span.index], span) for span in spans], _READS))

    async def _span(self, part: Part, span: Span) -> bytes:
        whole = len(span) == part.size
        try:
            content, _ = await self._client.get(
                part.path, version=part.version, start=span.start, stop=None if whole else span.stop
            )
        except (PreconditionFailedError, RangeError):
            raise PathNotFound(part.path) from None
        if len(content) != len(span):
            raise Unavailable(f"{part.path} gave {len(content)} bytes instead of {len(span)}")
        return content
