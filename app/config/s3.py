"""The section `storage.s3`: distribution's keys first, with its names, meaning and defaults, then our own.

What the values must fulfil is the driver's business; `app.main` asks it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from app.config.units import Duration, Secret, Size

_AtLeastOne = Annotated[int, Meta(ge=1)]


class Checksums(StrEnum):
    """Which requests carry the SDK's checksums."""

    REQUIRED = "required"
    SUPPORTED = "supported"


class S3(Struct, frozen=True, kw_only=True):
    """The driver of a bucket.

    Without *accesskey* credentials come from the environment, a profile, web identity or metadata. *forcepathstyle*
    that is not set does what the endpoint is likely to want. *redirectendpoint* is scheme and host of the URLs that
    clients are sent to, *redirectexpiry* how long they are good for. *buffer* is the memory of all uploads' parts,
    *pool* how many requests may wait for the store at a time, *retrybudget* for how long failed ones are tried again.
    """

    bucket: str
    region: str = ""
    regionendpoint: str = ""
    accesskey: Secret = Secret()
    secretkey: Secret = Secret()
    sessiontoken: Secret = Secret()
    forcepathstyle: bool | None = None
    encrypt: bool = False
    keyid: str = ""
    secure: bool = True
    skipverify: bool = False
    v4auth: bool = True
    chunksize: Size = Size(10 << 20)
    multipartcopychunksize: Size = Size(32 << 20)
    multipartcopymaxconcurrency: _AtLeastOne = 100
    multipartcopythresholdsize: Size = Size(32 << 20)
    rootdirectory: str = ""
    storageclass: str = "STANDARD"
    useragent: str = ""
    objectacl: str = "private"
    usedualstack: bool = False
    accelerate: bool = False
    usefipsendpoint: bool = False
    loglevel: str = "off"

    redirectendpoint: str = ""
    redirectexpiry: Duration = Duration(20 * 60)
    checksums: Checksums = Checksums.REQUIRED
    equalparts: bool = False
    uploadconcurrency: _AtLeastOne = 4
    buffer: Size = Size(64 << 20)
    pool: _AtLeastOne = 128
    connecttimeout: Duration = Duration(5)
    requesttimeout: Duration = Duration(10)
    transfertimeout: Duration = Duration(60)
    retrybudget: Duration = Duration(15)
