"""`moorage uploads purge` as a user types it."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.support.aging import age_files, fingerprint
from tests.support.programs import ROOT, moorage
from tests.support.wire import Wire

GO = "docker/registry/v2/repositories/team/app/_uploads/3f2a"


def purge(root, *arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return subprocess.run(
        [sys.executable, "-m", "app", "uploads", "purge", *arguments],
        env={
            **clean,
            "PYTHONPATH": str(ROOT),
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(root),
            **environment,
        },
        cwd=root.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def root(tmp_path):
    """A store with 10 bytes in two files of the Go registry, half a day old."""
    root = tmp_path / "data"
    (root / GO).mkdir(parents=True)
    (root / GO / "data").write_bytes(b"12345678")
    (root / GO / "startedat").write_bytes(b"xx")
    age_files(root, timedelta(hours=12))
    return root


def test_it_removes_what_is_older_than_a_week_and_says_so(root):
    done = purge(root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 0 sessions: 0 files, 0 bytes\n", "")
    age_files(root, timedelta(days=7))
    done = purge(root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed 1 session: 2 files, 10 bytes\n", "")
    assert fingerprint(root) == {}


def test_a_dry_run_removes_nothing(root):
    before = fingerprint(root)
    done = purge(root, "--age", "10h", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "would remove 1 session: 2 files, 10 bytes\n")
    assert fingerprint(root) == before


def test_the_age_comes_from_the_configuration_unless_it_is_given(root):
    configured = {"REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE": "10h"}
    assert purge(root, "--age", "12h", **configured).stdout.startswith("removed 0 sessions")
    assert purge(root, **configured).stdout.startswith("removed 1 session:")


def test_the_figures_can_be_had_as_json(root):
    done = purge(root, "--age", "10h", "--json")
    assert json.loads(done.stdout) == {
        "dry_run": False,
        "age": "10h",
        "sessions": 1,
        "files": 2,
        "bytes": 10,
        "multipart": 0,
        "skipped": [],
    }


def test_an_age_that_is_none_is_wrong_usage(root):
    done = purge(root, "--age", "a week")
    assert done.returncode == 2
    assert done.stderr == "error: --age: 'a week' is no duration; write one like 30s, 1h30m or 168h\n"


def test_storage_that_cant_be_had_is_one_sentence_and_exit_code_3(root):
    (root / "file").write_text("a file stands in the way")
    done = purge(root, REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=str(root / "file" / "root"))
    assert done.returncode == 3
    assert "can't be used: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_of_a_newer_version_is_not_touched(root):
    (root / "moorage/v1").mkdir(parents=True)
    (root / "moorage/v1/format").write_text('{"version": 99, "storage": "x", "mode": "exclusive"}')
    before = fingerprint(root)
    done = purge(root, "--age", "10h")
    assert done.returncode == 3
    assert "knows format 1 only" in done.stderr
    assert fingerprint(root) == before


async def test_it_runs_beside_a_server_which_then_knows_the_old_session_no_more(tmp_path):
    with moorage(tmp_path) as server:
        wire = Wire("127.0.0.1", server.port)
        old = (await wire("POST", "/v2/team/app/blobs/uploads/")).location
        old = (await wire("PATCH", old, body=b"old bytes")).location
        age_files(tmp_path / "data", timedelta(days=8))
        young = (await wire("POST", "/v2/team/app/blobs/uploads/")).location
        young = (await wire("PATCH", young, body=b"young bytes")).location
        assert purge(tmp_path / "data").stdout.startswith("removed 1 session: 2 files, ")
        assert (await wire("GET", old)).status == 404
        assert (await wire("PATCH", old, body=b"more")).status == 404
        assert (await wire("GET", young)).status == 204
        assert server.failures() == []


def test_a_server_purges_by_itself(root):
    age_files(root, timedelta(days=8))
    config = root.parent / "config.yml"
    config.write_text(
        f"""
version: 0.1
log: {{formatter: json}}
http: {{addr: "127.0.0.1:0"}}
storage:
  filesystem: {{rootdirectory: {root}}}
  maintenance: {{uploadpurging: {{interval: 100ms}}}}
"""
    )
    with subprocess.Popen(
        [sys.executable, "-m", "app", "serve", str(config)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            said = next(line for line in server.stderr if "purge of uploads: " in line)
        finally:
            server.terminate()
        rest = server.stderr.read()
        assert server.wait(timeout=30) == 0
    assert json.loads(said)["msg"] == "purge of uploads: removed 1 session: 2 files, 10 bytes"
    assert '"level": "error"' not in rest
    assert not (root / GO).exists()
