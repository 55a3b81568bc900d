"""JSON that can be read in one way only: what a manifest has to be before anybody asks what it says.

Two parsers must not see two different documents in the same bytes, and no input may cost more than its length. So
names that come twice, bytes that are not UTF-8, ``NaN``, half surrogate pairs and absurd nesting are refused
(RFC 8259 sections 4, 8.1, 8.2 and 9 leave all of them to the reader). Knows nothing of manifests.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any, Final, NoReturn

from app.oci.errors import ManifestInvalid

MAX_DEPTH: Final = 32  # objects and lists inside each other; an index needs 5
MAX_CONTAINERS: Final = 200_000  # objects and lists in all; 4 MiB of the smallest descriptors hold some 70,000
MAX_MEMBERS: Final = 300_000  # names in all; real ones take more than 14 bytes each

_BRACKETS: Final = b"[]{}"
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SHOWN: Final = 80  # characters of the client's text that an error repeats


def load(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in *raw*.

    Raises:
        ManifestInvalid: *raw* is no JSON object, or one that can be read in more than one way.
    """
    _check_nesting(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestInvalid("manifest is not UTF-8", detail={"offset": error.start}) from None
    try:
        document = _DECODER.decode(text)
        if "\\u" in text:
            # Only an escape can smuggle half a surrogate pair into text that was UTF-8.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise ManifestInvalid(
            "manifest is not valid JSON", detail={"reason": error.msg, "line": error.lineno, "column": error.colno}
        ) from None
    except UnicodeEncodeError:
        raise ManifestInvalid("manifest has half a surrogate pair in a string") from None
    except ValueError as error:  # an integer of thousands of digits
        raise ManifestInvalid("manifest is not valid JSON", detail={"reason": str(error)[:_SHOWN]}) from None
    if not isinstance(document, dict):
        raise ManifestInvalid("manifest is not a JSON object")
    return document


def _check_nesting(raw: bytes) -> None:
    """Count brackets outside strings, so that the recursive parser only meets what it can bear.

    Up to the first syntax error, where the parser stops, this sees the same strings as the parser does.
    """
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(raw.split(b'"')[::2])
    if outside.count(b":") > MAX_MEMBERS:
        raise ManifestInvalid("manifest has too many members", detail={"limit": MAX_MEMBERS})
    brackets = outside.translate(None, delete=_NOT_BRACKETS)
    if len(brackets) > 2 * MAX_CONTAINERS:
        raise ManifestInvalid("manifest has too many objects and lists", detail={"limit": MAX_CONTAINERS})
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ManifestInvalid("manifest is nested too deeply", detail={"limit": MAX_DEPTH})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of which no name comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ManifestInvalid("manifest has an object with the same name twice", detail=ascii(name[:_SHOWN]))
            seen.add(name)
    return members


def _constant(name: str) -> NoReturn:
    raise ManifestInvalid("manifest has a number that JSON does not know", detail=name)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
