"""A file and the environment become a `Config`, or one error that lists everything that is wrong.

The order: file (or the built-in one), `REGISTRY_...` variables, old names, sections without a feature, unknown keys,
values, rules that concern more than one key. Nothing is read after this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.constructor import ConstructorError

from app.config.environment import FILE, overlay, switch_driver
from app.config.model import Config
from app.config.rules import broken
from app.config.schema import Reader
from app.config.unserved import FALSE, UNSERVED, is_off

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILT_IN: Final = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: ./data
  cache:
    blobdescriptor: inmemory
  delete:
    enabled: true
http:
  addr: 127.0.0.1:5000
validation:
  manifests:
    urls:
      allow: ["^https?://"]
"""
"""What holds when there is no file."""

_OLD_NAMES: Final = (("loglevel",), ("storage", "cache", "layerinfo"), ("validation", "enabled"), ("http", "http2"))


class ConfigurationError(Exception):
    """The configuration can't be used; *problems* has a sentence for each reason."""

    def __init__(self, problems: list[str], source: str) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.problems = tuple(problems)


class _Loader(yaml.BaseLoader):
    """Refuses a key that stands twice in a map (YAML 1.2 section 3.2.1.3): one of the two would be lost unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise ConstructorError(None, None, f"{key.value} stands there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, where it came from, and what was odd but not wrong."""

    config: Config
    source: str
    warnings: tuple[str, ...] = ()


def load(path: Path | None, environment: Mapping[str, str], *, lenient: bool = False) -> Loaded:
    """Read *path*, else the file that `REGISTRY_CONFIGURATION_PATH` names, else `BUILT_IN`; then the variables.

    With *lenient*, unknown keys and sections that only observe are warnings.

    Raises:
        ConfigurationError: it can't be used; all reasons are in it.
    """
    if path is None and environment.get(FILE):
        path = Path(environment[FILE])
    source = "built-in configuration" if path is None else str(path)
    tree = _parse(BUILT_IN if path is None else _text(path), source)
    warnings, problems = overlay(tree, environment, _OLD_NAMES)
    _rename(tree)
    for unserved, sentence in _take_unserved(tree):
        (warnings if lenient and unserved else problems).append(sentence)
    reader = Reader()
    config = reader.read(Config, tree)
    (warnings if lenient else problems).extend(reader.unknown)
    problems.extend(reader.problems)
    if not reader.problems:
        problems.extend(broken(config))
    if problems:
        raise ConfigurationError(problems, source)
    return Loaded(config, source, tuple(warnings))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError([f"can't be read: {error.strerror}"], str(path)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(["is not UTF-8 text"], str(path)) from None


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        tree = yaml.load(text, _Loader)  # noqa: S506 - makes text, lists and maps, no objects
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" at line {where.line + 1}, column {where.column + 1}" if where else ""
        raise ConfigurationError([f"is not YAML{place}: {getattr(error, 'problem', None) or error}"], source) from None
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise ConfigurationError(["is no configuration: expected `version: 0.1` and sections"], source)
    return tree


def _rename(tree: dict[str, Any]) -> None:
    """Put what stands under a name of old where it belongs, unless the present name has a value too."""
    storage = tree.get("storage")
    if isinstance(storage, str) and storage:
        tree["storage"] = storage = switch_driver(None, storage)
    level = tree.pop("loglevel", "")
    log = tree.setdefault("log", {}) or {}
    if level and isinstance(log, dict) and not log.get("level"):
        tree["log"] = {**log, "level": level}
    cache = storage.get("cache") if isinstance(storage, dict) else None
    if isinstance(cache, dict) and "layerinfo" in cache:
        cache.setdefault("blobdescriptor", cache["layerinfo"])
        del cache["layerinfo"]
    validation = tree.get("validation")
    if isinstance(validation, dict) and "enabled" in validation:
        enabled = str(validation.pop("enabled")).lower()
        validation.setdefault("disabled", "true" if enabled in FALSE else "false")
    http = tree.get("http")
    if isinstance(http, dict):
        http.pop("http2", None)  # HTTP/2 needs TLS in the Go registry: the switch has nothing to switch here


def _take_unserved(tree: dict[str, Any]) -> list[tuple[bool, str]]:
    """Remove the sections without a feature; return (only observes, sentence) for those that ask for something."""
    found = []
    for path, unserved in UNSERVED.items():
        node: Any = tree
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict) or path[-1] not in node:
            continue
        asked = node.pop(path[-1])
        if not is_off(asked) or (path[0] == "storage" and len(path) == 2):  # noqa: PLR2004 - a driver needs no parameters
            found.append((unserved.observes, unserved.sentence(".".join(path))))
    cache = tree["storage"].get("cache") if isinstance(tree.get("storage"), dict) else None
    if isinstance(cache, dict) and cache.get("blobdescriptor") == "redis":
        del cache["blobdescriptor"]
        found.append((False, "storage.cache.blobdescriptor: redis is not served by this version yet; use inmemory"))
    return found
