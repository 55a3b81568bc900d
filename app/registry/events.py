"""What happened, as values. With nobody listening they cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.oci.descriptor import Descriptor
    from app.oci.digest import Digest
    from app.oci.reference import RepositoryName, Tag


class EventAction(StrEnum):
    """What was done."""

    PUSH = "push"
    PULL = "pull"
    MOUNT = "mount"
    DELETE = "delete"


class Subject(StrEnum):
    """What it was done to."""

    BLOB = "blob"
    MANIFEST = "manifest"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to content of a repository.

    Attributes:
        descriptor: the content, ``None`` when a tag was removed.
        tag: the tag that was used, if one was.
        source: the repository a blob was mounted from.
        alias: the digest by which a blob was pushed or mounted, if that is not the canonical one.
    """

    action: EventAction
    subject: Subject
    repository: RepositoryName
    descriptor: Descriptor | None = None
    tag: Tag | None = None
    source: RepositoryName | None = None
    alias: Digest | None = None


class EventSink(Protocol):
    """Takes events. Must not block: it is called on the request's path."""

    def emit(self, event: Event, /) -> None:
        """Take *event*."""
        ...
