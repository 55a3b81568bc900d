"""`REGISTRY_...` variables laid over the tree of a configuration file, by distribution's rules.

A name is the path in upper case, joined by ``_``; no key of a section contains one. Values are YAML. List elements go
by index, keys of maps are lower-cased, and variables apply in lexical order. It checks no value: `load` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

import yaml

from app.config.model import DRIVERS, OTHER_NAMES, Config
from app.config.schema import is_section, section_fields
from app.config.unserved import UNSERVED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

PREFIX: Final = "REGISTRY_"
FILE: Final = "REGISTRY_CONFIGURATION_PATH"
"""Names the file when no argument does."""

_SERVICE_LINK: Final = re.compile(r"REGISTRY_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""What Kubernetes sets in a pod beside a service called ``registry`` or ``registry-...``."""


class VariableProblem(ValueError):
    """A variable that names a key but can't be laid over it."""


class _NoSuchKeyError(LookupError):
    """The variable names nothing."""


def overlay(
    tree: dict[str, Any], environment: Mapping[str, str], old_names: Collection[tuple[str, ...]]
) -> tuple[list[str], list[str]]:
    """Change *tree* by the variables in *environment*; return (warnings, problems).

    *old_names* are paths that are no keys any more but are still understood.
    """
    warnings: list[str] = []
    problems: list[str] = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name == FILE:
            continue
        parts = name.removeprefix(PREFIX).split("_")
        is_link = _SERVICE_LINK.fullmatch(name) is not None
        try:
            value = yaml.load(environment[name] or "''", yaml.BaseLoader)  # noqa: S506 - makes text, lists and maps only
            kept = _outside_the_model(parts, old_names)
            if kept is None:
                _set(tree, parts, value, Config, ())
            elif not is_link:
                _graft(tree, [*kept, *(part.lower() for part in parts[len(kept) :])], value)
        except _NoSuchKeyError:
            if not is_link:
                warnings.append(f"{name}: no configuration key has this name; ignored")
        except VariableProblem as problem:
            problems.append(f"{name}: {problem}")
        except yaml.YAMLError:
            problems.append(f"{name}: its value is not YAML")
    return warnings, problems


def switch_driver(storage: object, driver: str) -> dict[str, Any]:
    """Return the section `storage` with *driver* instead of the one it names; the rest of it stays."""
    named = storage if isinstance(storage, dict) else {}
    others = {
        *DRIVERS,
        *OTHER_NAMES,
        *(path[1] for path in UNSERVED if path[0] == "storage" and path[1] != "maintenance"),
    }
    kept = {key: value for key, value in named.items() if key not in others or key == driver}
    return {driver: {}, **kept}


def _outside_the_model(parts: Sequence[str], old_names: Collection[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the path at the head of *parts* that the model has no key for but `load` understands."""
    for length in range(1, min(len(parts), 3) + 1):
        path = tuple(part.lower() for part in parts[:length])
        if path in UNSERVED or path in old_names:
            return path
    return None


def _graft(node: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Put *value* at *path*, making maps on the way."""
    for key in path[:-1]:
        inner = node.get(key)
        if not isinstance(inner, dict):
            inner = node[key] = {}
        node = inner
    node[path[-1]] = value


def _set(node: Any, parts: Sequence[str], value: Any, kind: Any, path: tuple[str, ...]) -> Any:
    """Return *node*, of type *kind* in the model, with *value* at *parts* below it. Dicts and lists change in place."""
    if not parts:
        return switch_driver(node, value) if path == ("storage",) and isinstance(value, str) else value
    if is_section(kind):
        fields, key = section_fields(kind), parts[0].lower()
        if key not in fields or (*path, key) == ("version",):
            raise _NoSuchKeyError
        section: dict[str, Any] = node if isinstance(node, dict) else {}
        section[key] = _set(section.get(key), parts[1:], value, fields[key], (*path, key))
        return section
    if get_origin(kind) is dict:
        entries: dict[str, Any] = node if isinstance(node, dict) else {}
        entries["_".join(parts).lower()] = value
        return entries
    if get_origin(kind) is tuple:
        elements: list[Any] = node if isinstance(node, list) else []
        index = int(parts[0]) if parts[0].isdecimal() else -1
        if not 0 <= index <= len(elements):
            raise VariableProblem(f"the list has {len(elements)} elements, so the index is 0 to {len(elements)}")
        element = _set(elements[index] if index < len(elements) else None, parts[1:], value, get_args(kind)[0], path)
        elements[index:] = [element, *elements[index + 1 :]]
        return elements
    raise _NoSuchKeyError
