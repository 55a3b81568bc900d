"""Names of repositories and tags, and what may stand where a manifest is named.

Grammar: distribution-spec, "Pulling manifests". Parsed once at the edge; only these types travel inwards.
"""

from __future__ import annotations

import re
from typing import Final, Self, TypeAlias

from app.oci.digest import Digest
from app.oci.errors import DigestInvalid, NameInvalid, TagInvalid

MAX_NAME: Final = 255  # clients stop at 255 for host + "/" + name; distribution refuses longer names
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_SHOWN: Final = 160


class RepositoryName(str):
    """A repository's name, checked: lower-case components joined by ``/``, at most 255 characters."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return *text* as a repository name.

        Raises:
            NameInvalid: it breaks the grammar or is longer than 255 characters.
        """
        if len(text) > MAX_NAME:
            raise NameInvalid(f"repository name is longer than {MAX_NAME} characters", detail=text[:_SHOWN])
        if _NAME.fullmatch(text) is None:
            raise NameInvalid(detail=text[:_SHOWN])
        return cls(text)


class Tag(str):
    """A tag, checked: 1 to 128 of ``A-Za-z0-9_.-``, not starting with ``.`` or ``-``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return *text* as a tag.

        Raises:
            TagInvalid: it breaks the grammar.
        """
        if _TAG.fullmatch(text) is None:
            raise TagInvalid(detail=text[:_SHOWN])
        return cls(text)


Reference: TypeAlias = Tag | Digest


def parse_reference(text: str) -> Reference:
    """Return *text* as a digest if it has a colon, else as a tag.

    Raises:
        DigestInvalid: it has a colon and is no digest.
        TagInvalid: it has none and is no tag.
    """
    return Digest.parse(text) if ":" in text else Tag.parse(text)


__all__ = ["DigestInvalid", "Reference", "RepositoryName", "Tag", "parse_reference"]
