"""Import statements of a source tree, and the rules about them: who may import whom."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

OURS = ("app", "drivers", "cache")


@dataclass(frozen=True, slots=True)
class Source:
    """One module's text."""

    module: str
    text: str

    def within(self, *packages: str) -> bool:
        """Whether the module is one of *packages* or inside one."""
        return inside(self.module, *packages)


@dataclass(frozen=True, slots=True)
class Import:
    """One thing that is imported: a module, or a name of one as ``module.name``."""

    importer: str
    target: str
    line: int
    in_function: bool

    def __str__(self) -> str:
        """Return where, and what."""
        return f"{self.importer}:{self.line} imports {self.target}"


def inside(module: str, *packages: str) -> bool:
    """Whether *module* is one of *packages* or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def is_standard(module: str) -> bool:
    """Whether *module* comes with Python."""
    return module.partition(".")[0] in sys.stdlib_module_names


def sources(root: Path, packages: Iterable[str] = OURS) -> list[Source]:
    """Read all modules below *root*."""
    return [
        Source(_module(path.relative_to(root)), path.read_text("utf-8"))
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    ]


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: Source) -> list[Import]:
    """Return what *source* imports, under ``TYPE_CHECKING`` and by ``import_module("name")`` too."""
    return list(_imports(source, ast.parse(source.text), in_function=False))


def _imports(source: Source, node: ast.AST, *, in_function: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        targets: list[str] = []
        match child:
            case ast.Import(names=names):
                targets = [name.name for name in names]
            case ast.ImportFrom(module=module, names=names, level=0):
                targets = [f"{module}.{name.name}" for name in names]
            case ast.ImportFrom():
                targets = [f"<relative>.{child.module}"]
            case ast.Call(func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module")):
                named = child.args[0].value if child.args and isinstance(child.args[0], ast.Constant) else "<computed>"
                targets = [str(named)]
            case _:
                pass
        for target in targets:
            yield Import(source.module, target, getattr(child, "lineno", 0), in_function)
        inner = in_function or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _imports(source, child, in_function=inner)


def refused(tree: Iterable[Source], importers: Callable[[Source], bool], allowed: Callable[[str], bool]) -> list[str]:
    """Return the imports by *importers* that are not *allowed*, as sentences."""
    return [
        str(entry) for source in tree if importers(source) for entry in imports(source) if not allowed(entry.target)
    ]


def cycles(tree: Iterable[Source]) -> list[str]:
    """Return one sentence per group of modules that import each other in a circle, type imports included."""
    by_module = {source.module: source for source in tree}
    graph = {
        module: {owner for entry in imports(source) for owner in _owners(entry.target, by_module) if owner != module}
        for module, source in by_module.items()
    }
    return [" <-> ".join(sorted(group)) for group in _circles(graph)]


def _owners(target: str, known: Mapping[str, object]) -> list[str]:
    """The module that *target* is or is a name of, if it is a known one."""
    return [module for module in (target, target.rpartition(".")[0]) if module in known][:1]


def _circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Strongly connected groups of more than one module: whoever reaches each other."""
    reach = {module: _reachable(module, graph) for module in graph}
    groups = {
        frozenset(other for other in reach[module] if module in reach[other])
        for module in graph
        if module in reach[module]
    }
    return [set(group) for group in groups]


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen
