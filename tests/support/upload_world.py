"""The world of the upload model as values: what is stored, what clients hold, which requests are under way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias, TypeVar

Name: TypeAlias = tuple[int, int]
Rubbish: TypeAlias = tuple[tuple[str, Name | int], ...]  # a record's name or a piece's number
K = TypeVar("K")
V = TypeVar("V")


class Kind(Enum):
    """What the store can do."""

    CREATE_ONLY = "objects, with create-only writes"
    PLAIN = "objects, without: a record's name holds its nonce"
    DISK = "files: the newest piece is extended under its lock"


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol, rule by rule; each can be left out to see what it is there for."""

    create_only: bool = True  # a record is created, never replaced
    unique_pieces: bool = True  # no two requests write a piece of one name
    bound_nonce: bool = True  # a record with another nonce than the Location's is absent
    hash_in_record: bool = True  # the digest so far comes with the record, not with the Location
    versions: bool = True  # a piece must be the version (on disk: at least as long) as its record says
    link_last: bool = True  # first the bytes, then the link
    own_record: bool = True  # a failed create reads the record: my nonce is my success
    already_there: bool = True  # record or piece gone: perhaps an earlier PUT has done the work
    lock: bool = True  # disk: a piece is extended and published under an exclusive lock
    held: bool = True  # disk: which is held until the record is created
    next_absent: bool = True  # disk: under the lock, the next record must not exist
    same_file: bool = True  # disk: under the lock, the name must still be that of the file
    cut_before_write: bool = True  # disk: the piece is cut to the recorded length before bytes are added
    cut_before_publish: bool = True  # disk: and before it is published
    purge_closes: bool = True  # the purge closes a session, at its end first, before its pieces go
    boot: bool = True  # disk: a record from before the last boot is absent


class Budget(NamedTuple):
    """How many requests of each sort a scene has."""

    patches: int = 0
    puts: int = 0
    cancels: int = 0
    purges: int = 0
    others: int = 0
    power_cuts: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """What is tried: the requests, whether PATCHes leave pieces or tails, whether a PUT brings a last chunk."""

    budget: Budget
    piece: bool = True
    tail: bool = True
    last_chunk: bool = False
    hasty_purge: bool = False  # it does not wait for requests that were admitted before the age limit


class Record(NamedTuple):
    """What acknowledges bytes, or closes the session."""

    nonce: int
    closed: bool = False
    pieces: tuple[tuple[int, str], ...] = ()  # with the content each had, which is its version
    tail: str = ""
    hashed: str = ""


class Location(NamedTuple):
    """What a client holds: *promised* are the bytes that it was told are safe, *remembered* what a replica knows."""

    offset: int
    name: tuple[int, int] | None
    nonce: int
    promised: str
    remembered: Record | None


class Piece(NamedTuple):
    """A file or object; on disk its *place* is where its name is by now."""

    content: str
    place: str = "pieces"


class Request(NamedTuple):
    """A request in flight; *step* is the call it makes next."""

    verb: str
    id: int
    step: str
    location: Location
    body: str = ""
    record: Record | None = None
    piece: int = -1
    locked: bool = False
    copied: int = 0
    copy: str = ""
    offset: int = 0
    rubbish: Rubbish = ()


class World(NamedTuple):
    """Everything there is. Mappings are sorted pairs, so that equal worlds are equal tuples."""

    budget: Budget
    locations: tuple[Location, ...]
    next_id: int = 1
    records: tuple[tuple[Name, Record], ...] = ()
    pieces: tuple[tuple[int, Piece], ...] = ()
    blobs: tuple[tuple[str, str | int], ...] = ()  # on disk the number of the piece that was renamed
    links: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    acknowledged: tuple[tuple[int, str], ...] = ()
    cancelled: bool = False
    purged: bool = False
    ended: bool = False  # records were removed: the session's names may be used anew


class Move(NamedTuple):
    """One step from a world to the next, and what is wrong with it, if anything is."""

    label: str
    world: World
    wrong: str = ""


ROOT: Final = Location(0, None, 0, "", Record(0))
LENGTH: Final = 2  # letters that a client sends at most, one a PATCH
JUNK: Final = "~"


def put(pairs: tuple[tuple[K, V], ...], key: K, value: V) -> tuple[tuple[K, V], ...]:
    """A mapping with one more, or another, value."""
    return tuple(sorted((*without(pairs, key), (key, value)), key=itemgetter(0)))


def without(pairs: tuple[tuple[K, V], ...], key: K) -> tuple[tuple[K, V], ...]:
    """A mapping without *key*."""
    return tuple(pair for pair in pairs if pair[0] != key)


def including(items: tuple[V, ...], item: V) -> tuple[V, ...]:
    """A set with *item*."""
    return items if item in items else (*items, item)
