"""Who asks, what they want to do, and who decides. Authenticators and rules come in as parameters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.oci.reference import RepositoryName


class Action(StrEnum):
    """What a route does to a repository (or, for ``CATALOG``, to the registry)."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    CATALOG = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """One action on one repository; *repository* is ``None`` for the registry itself."""

    repository: RepositoryName | None
    action: Action


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller. The anonymous one has an empty name."""

    name: str = ""


ANONYMOUS = Principal()


class Authorizer(Protocol):
    """Decides, without saying why."""

    async def allows(self, principal: Principal, access: Sequence[Access], /) -> bool:
        """Whether *principal* may do all of *access*."""
        ...


class Everyone:
    """The authorizer of a registry without authentication: everybody may do everything."""

    async def allows(self, principal: Principal, access: Sequence[Access], /) -> bool:
        """Yes."""
        del principal, access
        return True
