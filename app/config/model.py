"""What can be configured: distribution's tree, `version: 0.1`, with its names and what they mean there.

The defaults are those of a file that leaves a key out; `load.BUILT_IN` is the file that stands in when there is none.
Keys of our own live under `moorage`, which the Go registry ignores, but for `validation.manifests.references`.
Sections that distribution knows and this version does not serve are in `unserved`. Nothing here reads anything.
"""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from app.config.s3 import S3
from app.config.units import Duration, Secret, Size

_AtLeastOne = Annotated[int, Meta(ge=1)]


class Level(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class Formatter(StrEnum):
    """How a log line looks."""

    TEXT = "text"
    JSON = "json"
    LOGSTASH = "logstash"


class AccessLog(Struct, frozen=True, kw_only=True):
    """The line per request."""

    disabled: bool = False


class Log(Struct, frozen=True, kw_only=True):
    """What is logged, and how. *fields* are added to every line."""

    level: Level = Level.INFO
    formatter: Formatter = Formatter.TEXT
    fields: dict[str, str] = {}
    accesslog: AccessLog = AccessLog()


class Filesystem(Struct, frozen=True, kw_only=True):
    """The driver that keeps everything on one disk."""

    rootdirectory: str = "/var/lib/registry"
    maxthreads: _AtLeastOne = 100


class InMemory(Struct, frozen=True, kw_only=True):
    """The driver that forgets everything at exit. It has no parameters."""


class DescriptorCache(StrEnum):
    """Where blob descriptors are remembered."""

    NONE = ""
    INMEMORY = "inmemory"


class Cache(Struct, frozen=True, kw_only=True):
    """The blob descriptor cache; *blobdescriptorsize* is its number of entries."""

    blobdescriptor: DescriptorCache = DescriptorCache.NONE
    blobdescriptorsize: _AtLeastOne = 10_000


class Delete(Struct, frozen=True, kw_only=True):
    """Whether clients may delete."""

    enabled: bool = False


class Redirect(Struct, frozen=True, kw_only=True):
    """Whether clients are never sent to the backend; `Moorage.redirect` says which of them are."""

    disable: bool = False


class ReadOnly(Struct, frozen=True, kw_only=True):
    """Whether every write is refused."""

    enabled: bool = False


LONGEST_AGE = Duration(100 * 365 * 24 * 3600)
"""More than anybody means by an age, and little enough to count with."""


class UploadPurging(Struct, frozen=True, kw_only=True):
    """When abandoned uploads are removed.

    *age* is how long an upload session lasts, whether or not it is purged afterwards; *interval* is between two purges.
    With *dryrun* they only tell what they would remove.
    """

    enabled: bool = True
    age: Duration = Duration(168 * 3600)
    interval: Duration = Duration(24 * 3600)
    dryrun: bool = False


class Maintenance(Struct, frozen=True, kw_only=True):
    """What happens beside serving."""

    uploadpurging: UploadPurging = UploadPurging()
    readonly: ReadOnly = ReadOnly()


class TagLookup(Struct, frozen=True, kw_only=True):
    """How many tags one operation looks up at a time; 0 leaves it to the driver."""

    concurrencylimit: Annotated[int, Meta(ge=0)] = 0


class Storage(Struct, frozen=True, kw_only=True):
    """One driver, and what holds for each."""

    filesystem: Filesystem | None = None
    inmemory: InMemory | None = None
    s3: S3 | None = None
    cache: Cache = Cache()
    delete: Delete = Delete()
    redirect: Redirect = Redirect()
    maintenance: Maintenance = Maintenance()
    tag: TagLookup = TagLookup()


DRIVERS = ("filesystem", "inmemory", "s3")
"""The keys of `Storage` that name a driver; exactly one is set in a `Config`."""

OTHER_NAMES = {"s3aws": "s3"}
"""Drivers that distribution knows by a second name."""


class Network(StrEnum):
    """What `http.addr` is an address of."""

    TCP = "tcp"
    UNIX = "unix"


class HTTP(Struct, frozen=True, kw_only=True):
    """Where and how the API is served.

    *secret* signs the Location of uploads; without one it is created once and kept in storage. *draintimeout* is how
    long running requests may go on after SIGTERM.
    """

    addr: str = ":5000"
    net: Network = Network.TCP
    host: str = ""
    prefix: str = ""
    secret: Secret = Secret()
    relativeurls: bool = False
    draintimeout: Duration = Duration(60)
    headers: dict[str, tuple[str, ...]] = {}


class URLs(Struct, frozen=True, kw_only=True):
    """Regular expressions for the URLs of layers that live elsewhere."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class PlatformRule(StrEnum):
    """Which images of an index must be there."""

    ALL = "all"
    NONE = "none"
    LIST = "list"


class Platform(Struct, frozen=True, kw_only=True):
    """One row of *platformlist*."""

    architecture: str
    os: str


class Indexes(Struct, frozen=True, kw_only=True):
    """Which images of an index must be there when the index is pushed."""

    platforms: PlatformRule = PlatformRule.ALL
    platformlist: tuple[Platform, ...] = ()


class References(StrEnum):
    """Whether a manifest's references must be there when it is pushed."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class Manifests(Struct, frozen=True, kw_only=True):
    """What a manifest must fulfil. *references* is ours; the Go registry always requires them."""

    references: References = References.REQUIRED
    urls: URLs = URLs()
    indexes: Indexes = Indexes()


class Validation(Struct, frozen=True, kw_only=True):
    """What is checked on a push; *disabled* switches off the rules for URLs and platforms."""

    disabled: bool = False
    manifests: Manifests = Manifests()


class Catalog(Struct, frozen=True, kw_only=True):
    """The longest page of the catalog."""

    maxentries: _AtLeastOne = 1000


class Tags(Struct, frozen=True, kw_only=True):
    """The longest page of a tag list; without one, a list is whole unless the client asks for less."""

    maxtags: _AtLeastOne | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """How much a client may ask for.

    *manifestsize* is the largest manifest. *bodymemory* bounds the bytes of all request bodies that are in memory at
    once; who gets none waits. *uploads* is how many requests may bring blob bytes at once; the others wait for
    their turn. *headertimeout* is how long a request's head, *idletimeout* how long the next bytes of a body may take.
    """

    manifestsize: Size = Size(4 << 20)
    bodymemory: Size = Size(64 << 20)
    uploads: _AtLeastOne = 256
    headertimeout: Duration = Duration(30)
    idletimeout: Duration = Duration(60)


class Choice(Struct, frozen=True, kw_only=True):
    """Whom a rule is for: all, or those in *allow*, but for those in *deny*."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Redirects(Struct, frozen=True, kw_only=True):
    """Which requests for a blob are answered with an address in the backend, if `Storage.redirect` lets any.

    Those for blobs of more than *threshold* bytes; those with a Range only with *ranges*; those of *clients* (networks)
    and *useragents* (regular expressions).
    """

    threshold: Size = Size(64 << 10)
    ranges: bool = True
    clients: Choice = Choice()
    useragents: Choice = Choice()


class Moorage(Struct, frozen=True, kw_only=True):
    """What the Go registry has no key for."""

    limits: Limits = Limits()
    redirect: Redirects = Redirects()


class Config(Struct, frozen=True, kw_only=True):
    """The whole of it."""

    version: str
    log: Log = Log()
    storage: Storage
    http: HTTP = HTTP()
    validation: Validation = Validation()
    catalog: Catalog = Catalog()
    tags: Tags = Tags()
    moorage: Moorage = Moorage()


def decode(kind: type, value: object) -> Any:
    """Make one of our own value types of a scalar: msgspec's ``dec_hook``.

    Raises:
        ValueError: the text is none.
    """
    if issubclass(kind, (Duration, Size)):
        return kind.parse(str(value))
    if issubclass(kind, Secret):
        return kind(str(value))
    raise NotImplementedError(kind)
