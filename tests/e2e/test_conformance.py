"""The OCI conformance tool with every optional API and every kind of data, judged by the counts in its results."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from tests.support.buckets import tree
from tests.support.programs import find, moorage
from tests.support.stores import LONG, started

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APIS = (
    "PING PULL PUSH REFERRER BLOBS_ATOMIC BLOBS_DELETE BLOBS_DIGEST_HEADER BLOBS_MOUNT_ANONYMOUS BLOBS_UPLOAD_CANCEL"
    " MANIFESTS_ATOMIC MANIFESTS_DELETE MANIFESTS_DIGEST_HEADER MANIFESTS_TAG_PARAM TAGS_ATOMIC TAGS_DELETE TAGS_LIST"
)
DATA = (
    "IMAGE INDEX INDEX_LIST SPARSE ARTIFACT SUBJECT SUBJECT_MISSING ARTIFACT_LIST SUBJECT_LIST DATA_FIELD"
    " NONDISTRIBUTABLE CUSTOM_FIELDS NO_LAYERS EMPTY_BLOB SHA512"
)


def conformance(server, folder, *, sparse):
    """Run the tool and return (passed, failed, skipped, what did not pass)."""
    folder.mkdir()
    switches = {f"OCI_API_{name}": "true" for name in APIS.split()} | {
        f"OCI_DATA_{name}": "true" for name in DATA.split()
    }
    subprocess.run(
        [find("conformance")],
        cwd=folder,
        env={
            **switches,
            "OCI_DATA_SPARSE": str(sparse).lower(),
            "OCI_VERSION": "1.1",
            "OCI_REGISTRY": server.address,
            "OCI_TLS": "disabled",
            "OCI_REPO1": f"conformance/{folder.name}/a",
            "OCI_REPO2": f"conformance/{folder.name}/b",
            "OCI_RESULTS_DIR": str(folder / "results"),
            "OCI_LOG": "error",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=250,
        check=False,
    )
    suite = ET.parse(folder / "results" / "junit.xml").getroot().find("testsuite")
    total, failed, skipped = (
        sum(int(suite.get(name, 0)) for name in names) for names in (("tests",), ("failures", "errors"), ("skipped",))
    )
    amiss = sorted(
        f"{case.get('status')}: {case.get('name')}" for case in suite if case.get("status", "passed") != "passed"
    )
    return total - failed - skipped, failed, skipped, amiss


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_every_test_of_the_tool_passes_when_sparse_manifests_are_allowed(tmp_path, capsys, attempt):
    rules = {"validation": {"manifests": {"references": "optional"}}}
    with moorage(tmp_path / "registry", rules) as server:
        counts = conformance(server, tmp_path / f"run{attempt}", sparse=True)
        failures = server.failures()
    with capsys.disabled():
        sys.stdout.write(
            f"\nOCI conformance, sparse allowed, run {attempt}: {counts[0]} pass, {counts[1]} fail, {counts[2]} skip\n"
        )
    assert counts == (1032, 0, 0, [])
    assert failures == []


def test_every_test_of_the_tool_passes_when_references_are_required(tmp_path, capsys):
    rules = {
        "validation": {"manifests": {"references": "required", "urls": {"allow": ["^https://store.example.com/"]}}}
    }
    with moorage(tmp_path / "registry", rules) as server:
        counts = conformance(server, tmp_path / "run", sparse=False)
        failures = server.failures()
    with capsys.disabled():
        sys.stdout.write(
            f"\nOCI conformance, references required: {counts[0]} pass, {counts[1]} fail, {counts[2]} skip\n"
        )
    assert counts == (986, 0, 0, [])
    assert failures == []


@pytest.mark.parametrize(
    ("name", "redirect"),
    [
        ("versitygw", True),
        *(pytest.param(name, way, marks=pytest.mark.long) for name in LONG for way in (True, False)),
    ],
)
def test_every_test_of_the_tool_passes_on_a_bucket(tmp_path, capsys, name, redirect):
    with started(name, tmp_path / "store") as store:
        storage = tree(store, redirect={"disable": not redirect})
        settings = {"validation": {"manifests": {"references": "optional"}}, "storage": storage}
        with moorage(tmp_path / "registry", settings) as server:
            counts = conformance(server, tmp_path / "run", sparse=True)
            failures = server.failures()
    with capsys.disabled():
        sys.stdout.write(
            f"\nOCI conformance, {name}, redirect {'on' if redirect else 'off'}:"
            f" {counts[0]} pass, {counts[1]} fail, {counts[2]} skip\n"
        )
    assert counts == (1032, 0, 0, [])
    assert failures == []
