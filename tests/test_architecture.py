"""The shape of the code: who imports whom, how long files are, what is never used. Read from the source, not run."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

from tests.support.imports import OURS, Source, cycles, imports, inside, is_standard, refused, sources

ROOT = Path(__file__).parents[1]
TREE = sources(ROOT)

NETWORK = ("aiohttp", "http", "socket", "socketserver", "ssl", "urllib.request", "redis", "aiobotocore", "botocore")
CONTRACTS = (
    "drivers.contract",
    "drivers.errors",
    "cache.contract",
    "cache.errors",
)
COMPOSERS = ("app.main", "app.plugins", "app.cli", "app.__main__")
EXTRAS = ("opentelemetry", "uvloop")
"""Optional third parties: the only ones that may be imported inside a function."""
WEB = ("app.api", "app.web", "app.server")
LONGEST = 450


def drivers_rule(tree):
    def allowed(target):
        return is_standard(target) or inside(target, "drivers")

    sdk_free = refused(tree, lambda s: s.within("drivers") and not s.within("drivers.s3"), allowed)
    with_sdk = refused(
        tree,
        lambda s: s.within("drivers.s3"),
        lambda target: allowed(target) or inside(target, "aiobotocore", "botocore", "aiohttp", "yarl"),
    )
    return sdk_free + with_sdk


def cache_rule(tree):
    return refused(
        tree,
        lambda s: s.within("cache"),
        lambda target: is_standard(target) or inside(target, "cache", "redis", "msgspec", "app.oci"),
    )


def alphabet_rule(tree):
    return refused(
        tree, lambda s: s.within("app.oci"), lambda target: is_standard(target) or inside(target, "app.oci", "msgspec")
    )


def alphabet_is_sync_rule(tree):
    asynchronous = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    return [
        f"{source.module}:{node.lineno} is async"
        for source in tree
        if source.within("app.oci")
        for node in ast.walk(ast.parse(source.text))
        if isinstance(node, asynchronous)
    ]


def domain_rule(tree):
    def allowed(target):
        if inside(target, *NETWORK):
            return False
        return is_standard(target) or inside(target, "app.registry", "app.oci", "msgspec", *CONTRACTS)

    return refused(tree, lambda s: s.within("app.registry"), allowed)


def composition_rule(tree):
    """Outside the composers, other packages' classes are known by contract, event and layout only."""
    values = ("app.registry.contracts", "app.registry.events", *CONTRACTS)

    def concrete(target):
        return inside(target, "app.registry", "drivers", "cache") and not inside(target, *values)

    return refused(
        tree,
        lambda s: s.within("app") and not s.within("app.registry", *COMPOSERS),
        lambda target: not concrete(target),
    )


def composers_rule(tree):
    """Nobody but the command line imports the composition root."""
    return refused(
        tree,
        lambda s: not s.within(*COMPOSERS),
        lambda target: not inside(target, "app.main", "app.plugins", "app.cli"),
    )


def web_rule(tree):
    return refused(
        tree, lambda s: s.within("app") and not s.within(*WEB), lambda target: not inside(target, "aiohttp.web")
    )


def config_rule(tree):
    """Only the composers read the configuration."""
    return refused(
        tree, lambda s: not s.within("app.config", *COMPOSERS), lambda target: not inside(target, "app.config")
    )


def sdk_rule(tree):
    s3 = refused(
        tree,
        lambda s: not s.within("drivers.s3"),
        lambda target: not inside(target, "aiobotocore", "botocore", "boto3"),
    )
    return s3 + refused(tree, lambda s: not s.within("cache"), lambda target: not inside(target, "redis"))


def local_import_rule(tree):
    return [
        str(entry)
        for source in tree
        if not source.within("app.cli")
        for entry in imports(source)
        if entry.in_function and not inside(entry.target, *EXTRAS)
        if not (source.within("app.plugins") and inside(entry.target, "drivers"))  # ADR 5
    ]


def relative_import_rule(tree):
    return refused(tree, lambda _: True, lambda target: not target.startswith("<"))


def pickle_rule(tree):
    return refused(
        tree, lambda _: True, lambda target: not inside(target, "pickle", "shelve", "marshal", "dill", "cloudpickle")
    )


def docstring_rule(tree):
    return [f"{source.module} has no docstring" for source in tree if not ast.get_docstring(ast.parse(source.text))]


def length_rule(tree):
    return [
        f"{source.module} has {lines} lines, more than {LONGEST}"
        for source in tree
        if (lines := source.text.count("\n")) > LONGEST
    ]


RULES = [
    drivers_rule,
    cache_rule,
    alphabet_rule,
    alphabet_is_sync_rule,
    domain_rule,
    composition_rule,
    composers_rule,
    web_rule,
    config_rule,
    sdk_rule,
    local_import_rule,
    relative_import_rule,
    cycles,
    pickle_rule,
    docstring_rule,
    length_rule,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    assert rule(TREE) == []


def test_the_tree_that_is_read_is_the_whole_one():
    assert {source.module.partition(".")[0] for source in TREE} == set(OURS)
    assert {"app.oci.digest", "app.registry.contracts", "drivers.contract", "cache.contract"} <= {
        s.module for s in TREE
    }


def test_no_test_or_bench_file_outgrows_the_limit():
    assert length_rule(sources(ROOT, ("tests", "bench"))) == []


def test_the_median_file_is_short():
    lengths = [source.text.count("\n") for source in TREE if source.text.count("\n") > 5]
    assert statistics.median(lengths) <= 150


VIOLATIONS = [
    (drivers_rule, "drivers.memory", "import msgspec"),
    (drivers_rule, "drivers.filesystem.driver", "from app.oci.digest import Digest"),
    (drivers_rule, "drivers.filesystem.driver", "import botocore"),
    (drivers_rule, "drivers.s3.driver", "import cache.contract"),
    (cache_rule, "cache.memory", "from app.registry import contracts"),
    (cache_rule, "cache.memory", "import drivers.errors"),
    (alphabet_rule, "app.oci.digest", "import aiohttp"),
    (alphabet_rule, "app.oci.digest", "if TYPE_CHECKING:\n    from drivers.contract import Driver"),
    (alphabet_is_sync_rule, "app.oci.digest", "async def of(): ..."),
    (domain_rule, "app.registry.blobs", "from drivers.memory import MemoryDriver"),
    (domain_rule, "app.registry.blobs", "import aiohttp"),
    (domain_rule, "app.registry.blobs", "import socket"),
    (domain_rule, "app.registry.blobs", "from app.api.problems import render"),
    (domain_rule, "app.registry.blobs", "from app.config.model import Config"),
    (composition_rule, "app.api.blobs", "from app.registry.linked import LinkedBlobStore"),
    (composition_rule, "app.server.run", "from drivers.filesystem.driver import FilesystemDriver"),
    (composers_rule, "app.server.run", "from app.main import registry"),
    (web_rule, "app.auth.bearer", "import aiohttp.web"),
    (web_rule, "app.auth.bearer", "from aiohttp import web"),
    (config_rule, "app.api.edge", "from app.config.model import Config"),
    (sdk_rule, "app.main", "import redis.asyncio"),
    (sdk_rule, "app.main", "import aiobotocore.session"),
    (local_import_rule, "app.main", "def f():\n    import json"),
    (local_import_rule, "app.main", "def f():\n    importlib.import_module('json')"),
    (relative_import_rule, "app.main", "from . import plugins"),
    (pickle_rule, "app.main", "from pickle import loads"),
    (docstring_rule, "app.main", "x = 1"),
    (length_rule, "app.main", "x = 1\n" * (LONGEST + 1)),
]


@pytest.mark.parametrize(("rule", "module", "text"), VIOLATIONS, ids=lambda value: getattr(value, "__name__", None))
def test_a_violation_of_the_rule_is_found(rule, module, text):
    assert len(rule([Source(module, text)])) == 1


def test_a_circle_of_imports_is_found_also_through_type_imports_and_names_of_modules():
    tree = [
        Source("app.a", "from app import b"),
        Source("app.b", "if TYPE_CHECKING:\n    from app.c import Thing"),
        Source("app.c", "import app.a"),
        Source("app.d", "import app.a"),
    ]
    assert cycles(tree) == ["app.a <-> app.b <-> app.c"]


def test_a_tree_without_fault_is_not_blamed():
    tree = [
        Source("app.cli.serve", '"""Doc."""\ndef run():\n    from app.main import registry\n'),
        Source("app.main", '"""Doc."""\nimport aiohttp\nfrom drivers.memory import MemoryDriver\n'),
        Source("drivers.memory", '"""Doc."""\nimport json\nfrom drivers.contract import Driver\n'),
        Source("app.api.blobs", '"""Doc."""\nfrom aiohttp import web\nfrom app.registry.contracts import BlobStore\n'),
    ]
    assert [finding for rule in RULES for finding in rule(tree)] == []


def test_an_optional_extra_may_be_imported_where_it_is_used():
    assert local_import_rule([Source("app.main", "def f():\n    import opentelemetry.trace")]) == []
