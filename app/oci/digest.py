"""Digests: the names of content (image-spec, descriptor.md#digests).

A `Digest` *is* its text, so it serves as dict key, JSON value and path component without conversion.
Only sha256 and sha512 are supported; sha256 is canonical: content is stored once, under its sha256.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Final, Self

from app.oci.errors import DigestInvalid

_SHAPE: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
_SHOWN: Final = 160  # characters of a malformed digest that an error repeats


class Algorithm(StrEnum):
    """A digest algorithm that this registry computes."""

    SHA256 = "sha256"
    SHA512 = "sha512"

    @classmethod
    def parse(cls, text: str) -> Algorithm:
        """Return the algorithm of that name.

        Raises:
            DigestInvalid: the algorithm is unknown or unsupported.
        """
        try:
            return cls(text)
        except ValueError:
            raise DigestInvalid("unsupported digest algorithm", detail=text[:_SHOWN]) from None


CANONICAL: Final = Algorithm.SHA256


class Digest(str):
    """``algorithm:hex``, checked. Make one with `parse` or `of`, never by calling the class."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return *text* as a digest.

        Raises:
            DigestInvalid: malformed, upper case, wrong length, or an unsupported algorithm.
        """
        if _SHAPE.fullmatch(text) is None:
            raise DigestInvalid("invalid digest", detail=text[:_SHOWN])
        return cls(text)

    @classmethod
    def of(cls, content: bytes | bytearray | memoryview, algorithm: Algorithm = CANONICAL) -> Self:
        """Return the digest of *content*."""
        return cls(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm, left of the colon."""
        return Algorithm(self[:6])

    @property
    def hex(self) -> str:
        """The encoded part, right of the colon."""
        return self[7:]

    @property
    def canonical(self) -> bool:
        """Whether this is the algorithm under which content is stored."""
        return self.startswith("sha256:")
