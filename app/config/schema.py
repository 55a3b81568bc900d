"""The keys of the model with their types, and a tree of YAML text made into its structs.

Every problem is reported, not only the first, each with the path of its key. Which keys exist is the model's business.
"""

from __future__ import annotations

import difflib
from enum import Enum
from functools import cache
from typing import Any, Final, get_args, get_origin

import msgspec

from app.config.model import decode

_BOOLEANS: Final = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_NULLS: Final = frozenset({"", "~", "null"})
_FAILED: Final = object()


def is_section(annotation: Any) -> bool:
    """Whether a type is a section with keys of its own."""
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


@cache
def section_fields(section: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the keys of a section with their types; ``X | None`` is given as ``X``."""
    return {field.name: _required(field.type) for field in msgspec.structs.fields(section)}


def _required(annotation: Any) -> Any:
    inner = [choice for choice in get_args(annotation) if choice is not type(None)]
    return inner[0] if type(None) in get_args(annotation) and len(inner) == 1 else annotation


class Reader:
    """Makes structs of a tree whose scalars are text.

    Attributes:
        problems: what is wrong, one sentence each, with its path.
        unknown: the same for keys that the model has not got.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.unknown: list[str] = []

    def read(self, section: type[msgspec.Struct], tree: dict[str, Any]) -> Any:
        """Return a *section* made of *tree*, or a stand-in that means nothing when `problems` is not empty."""
        return self._section(section, tree, "")

    def _value(self, kind: Any, value: Any, path: str) -> Any:
        if is_section(kind):
            return self._section(kind, value, path)
        if get_origin(kind) is dict:
            return self._map(get_args(kind)[1], value, path)
        if get_origin(kind) is tuple:
            return self._list(get_args(kind)[0], value, path)
        return self._scalar(kind, value, path)

    def _section(self, section: type[msgspec.Struct], value: Any, path: str) -> Any:
        if isinstance(value, str) and value in _NULLS:
            value = {}
        if not isinstance(value, dict):
            return self._fail(path, f"expected a section with keys, not {_shown(value)}")
        fields, given = section_fields(section), {}
        for key, entry in value.items():
            here = f"{path}.{key}" if path else key
            if key not in fields:
                self.unknown.append(f"{here}: unknown key{_suggestion(key, fields)}")
            elif not (isinstance(entry, str) and entry in _NULLS) or _takes_empty(fields[key]):
                given[key] = self._value(fields[key], entry, here)
        missing = [
            field.name for field in msgspec.structs.fields(section) if field.required and field.name not in given
        ]
        for key in missing:
            self.problems.append(f"{path}.{key}: missing" if path else f"{key}: missing")
        if missing or _FAILED in given.values():
            return _FAILED
        return section(**given)

    def _map(self, kind: Any, value: Any, path: str) -> Any:
        if isinstance(value, str) and value in _NULLS:
            return {}
        if not isinstance(value, dict):
            return self._fail(path, f"expected a map, not {_shown(value)}")
        return {key: self._value(kind, entry, f"{path}.{key}") for key, entry in value.items()}

    def _list(self, kind: Any, value: Any, path: str) -> Any:
        if isinstance(value, str) and value in _NULLS:
            return ()
        if not isinstance(value, list):
            return self._fail(path, f"expected a list, not {_shown(value)}")
        return tuple(self._value(kind, entry, f"{path}[{index}]") for index, entry in enumerate(value))

    def _scalar(self, kind: Any, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self._fail(path, f"expected a single value, not {_shown(value)}")
        if kind is bool:
            word = value.lower()
            return _BOOLEANS[word] if word in _BOOLEANS else self._fail(path, f"expected true or false, not {value!r}")
        if isinstance(kind, type) and issubclass(kind, Enum):
            choices = {str(choice.value): choice for choice in kind}
            if value in choices:
                return choices[value]
            names = ", ".join(name for name in choices if name)
            return self._fail(path, f"{value!r} is none of {names}{_suggestion(value, choices)}")
        try:
            return msgspec.convert(value, kind, strict=False, dec_hook=decode)
        except msgspec.ValidationError as problem:
            return self._fail(path, str(problem).replace("`", ""))

    def _fail(self, path: str, sentence: str) -> object:
        self.problems.append(f"{path or 'the file'}: {sentence}")
        return _FAILED


def _takes_empty(kind: Any) -> bool:
    """Whether an empty value says something for *kind*: a section that is named, or a choice with an empty name."""
    return is_section(kind) or (isinstance(kind, type) and issubclass(kind, Enum) and "" in [c.value for c in kind])


def _suggestion(word: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(word.lower(), [name for name in known if name], n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    return "a list" if isinstance(value, list) else repr(value)
