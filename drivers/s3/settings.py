"""What can be said about a bucket. The first part has distribution's names and means what distribution means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

MIB: Final = 1 << 20
GIB: Final = 1 << 30

MIN_PART: Final = 5 * MIB
"""The least size of a part that is not the last (Amazon S3 user guide, multipart upload limits)."""

MAX_PART: Final = 5 * GIB
"""The greatest size of a part, and of an object that one copy can make."""

MAX_PARTS: Final = 10_000

_WEEK: Final = 604_800.0  # no signature is good for longer

_ACLS: Final = frozenset(
    {
        "private",
        "public-read",
        "public-read-write",
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
    }
)


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the bucket is, how to speak to it, and how much of everything.

    Raises:
        ValueError: a value is out of its range; the message is a sentence for the operator.

    Attributes:
        bucket: its name; it must exist.
        region: may be left out where there is a *regionendpoint*.
        regionendpoint: the address of a store that is not Amazon's.
        accesskey: with *secretkey*, and *sessiontoken* if they are temporary; without, credentials come from the
            environment, a profile, web identity, the container's or the instance's metadata, and are refreshed.
        forcepathstyle: True puts the bucket into the path, False into the host name; None does what the endpoint is
            likely to want, which is the path wherever it is not Amazon's.
        encrypt: ask for encryption at rest, with the KMS key *keyid* if there is one.
        secure: speak TLS, where the endpoint does not say.
        skipverify: believe any certificate.
        v4auth: must be True: signatures of version 2 are not served.
        chunksize: bytes of a part of an upload, at first; it grows with very large files.
        multipartcopychunksize: bytes of a part of a copy.
        multipartcopymaxconcurrency: parts of one copy under way at a time.
        multipartcopythresholdsize: a larger file is copied in parts.
        rootdirectory: what all keys begin with.
        storageclass: NONE sends no such header.
        useragent: added to the SDK's.
        objectacl: a canned ACL.
        loglevel: anything but ``off`` lets the SDK log at debug level.
        redirectendpoint: scheme and host of the URLs that clients are sent to, if they can't reach the endpoint.
        redirectexpiry: seconds that such a URL is good for.
        checksums: whether the SDK's checksums are sent only where S3 requires them, or wherever they are supported.
        equalparts: all parts of an upload but the last have the same size, as some stores demand. The largest file
            of unknown size is then 10,000 times *chunksize*.
        uploadconcurrency: parts of one upload under way at a time.
        buffer: bytes of all uploads' parts in memory at a time.
        pool: requests waiting for the store's answer at a time; fewer while it asks to slow down.
        connecttimeout: seconds for a connection.
        requesttimeout: seconds for one attempt of a request without much content.
        transfertimeout: seconds for one attempt that moves content, and between two reads of a stream.
        retrybudget: seconds after the start of a request in which further attempts may begin.
    """

    bucket: str
    region: str = ""
    regionendpoint: str = ""
    accesskey: str = ""
    secretkey: str = field(default="", repr=False)
    sessiontoken: str = field(default="", repr=False)
    forcepathstyle: bool | None = None
    encrypt: bool = False
    keyid: str = ""
    secure: bool = True
    skipverify: bool = False
    v4auth: bool = True
    chunksize: int = 10 * MIB
    multipartcopychunksize: int = 32 * MIB
    multipartcopymaxconcurrency: int = 100
    multipartcopythresholdsize: int = 32 * MIB
    rootdirectory: str = ""
    storageclass: str = "STANDARD"
    useragent: str = ""
    objectacl: str = "private"
    usedualstack: bool = False
    accelerate: bool = False
    usefipsendpoint: bool = False
    loglevel: str = "off"

    redirectendpoint: str = ""
    redirectexpiry: float = 1200.0
    checksums: Literal["required", "supported"] = "required"
    equalparts: bool = False
    uploadconcurrency: int = 4
    buffer: int = 64 * MIB
    pool: int = 128
    connecttimeout: float = 5.0
    requesttimeout: float = 10.0
    transfertimeout: float = 60.0
    retrybudget: float = 15.0

    def __post_init__(self) -> None:
        for broken, sentence in self._rules():
            if broken:
                raise ValueError(f"s3: {sentence}")

    @property
    def endpoint(self) -> str | None:
        """The endpoint's address with its scheme; None is Amazon's for the region."""
        if not self.regionendpoint:
            return None
        if "://" in self.regionendpoint:
            return self.regionendpoint
        return f"{'https' if self.secure else 'http'}://{self.regionendpoint}"

    @property
    def tls(self) -> bool:
        """Whether nobody on the way can change what is sent."""
        return self.secure if self.endpoint is None else self.endpoint.startswith("https://")

    def _rules(self) -> list[tuple[bool, str]]:
        redirect = urlsplit(self.redirectendpoint)
        return [
            (not self.bucket, "bucket is missing"),
            (not (self.region or self.regionendpoint), "region is missing, and there is no regionendpoint"),
            (bool(self.accesskey) != bool(self.secretkey), "accesskey and secretkey go together"),
            (not self.v4auth, "v4auth: false (signature version 2) is not served"),
            (bool(self.keyid) and not self.encrypt, "keyid means nothing without encrypt"),
            (not MIN_PART <= self.chunksize <= MAX_PART, "chunksize must be from 5 MiB to 5 GiB"),
            (
                not MIN_PART <= self.multipartcopychunksize <= MAX_PART,
                "multipartcopychunksize must be from 5 MiB to 5 GiB",
            ),
            (
                not 0 <= self.multipartcopythresholdsize <= MAX_PART,
                "multipartcopythresholdsize must be from 0 to 5 GiB",
            ),
            (self.multipartcopymaxconcurrency < 1, "multipartcopymaxconcurrency must be at least 1"),
            (self.objectacl not in _ACLS, f"objectacl must be one of {', '.join(sorted(_ACLS))}"),
            (
                bool(self.redirectendpoint)
                and not (redirect.scheme in {"http", "https"} and redirect.netloc and redirect.path in {"", "/"}),
                "redirectendpoint must be scheme and host, without a path",
            ),
            (not 1 <= self.redirectexpiry <= _WEEK, "redirectexpiry must be from 1 second to 7 days"),
            (self.checksums not in {"required", "supported"}, "checksums must be required or supported"),
            (self.uploadconcurrency < 1, "uploadconcurrency must be at least 1"),
            (self.buffer < self.chunksize, "buffer must have room for one chunksize"),
            (self.pool < 1, "pool must be at least 1"),
            (
                min(self.connecttimeout, self.requesttimeout, self.transfertimeout) <= 0 or self.retrybudget < 0,
                "timeouts must be positive",
            ),
        ]
