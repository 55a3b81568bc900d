"""What was found out about a store, as a value: for an operator who wants to know before clients do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a store can do or can't.

    Attributes:
        what: the thing, in a few words.
        holds: whether it can.
        follows: what that means for the registry, in a sentence without a full stop.
        needed: a registry can't run without it.
    """

    what: str
    holds: bool
    follows: str
    needed: bool = False
