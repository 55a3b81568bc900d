"""`moorage storage probe` as a user types it."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
import yaml

from tests.support.buckets import tree
from tests.support.programs import ROOT
from tests.support.s3stores import moto


@pytest.fixture
def probe(tmp_path):
    """Runs the command on a section `storage`."""

    def run(storage, *arguments):
        config = tmp_path / "config.yml"
        config.write_text(yaml.safe_dump({"version": "0.1", "storage": storage}))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        return subprocess.run(
            [sys.executable, "-m", "app", "storage", "probe", str(config), *arguments],
            env=clean,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def store():
    with moto() as store:
        asyncio.run(store.create_bucket())
        yield store


def test_a_disk_is_told_in_lines_and_left_alone(probe, tmp_path):
    root = tmp_path / "data"
    done = probe({"filesystem": {"rootdirectory": str(root)}})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == f"the storage in {root} is good for the registry"
    assert all(line.startswith(("yes  ", "no   ")) for line in lines[:-1])
    assert "yes  rename a file over another: whoever reads sees the old content or the new" in lines
    assert not root.exists()


def test_a_disk_that_takes_no_files_is_exit_code_1(probe, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    (root / "moorage").write_text("in the way")
    done = probe({"filesystem": {"rootdirectory": str(root)}})
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == f"the storage in {root} lacks what the registry needs"
    assert "\nNO   write a file: nothing can be pushed (" in done.stdout


def test_a_bucket_can_be_had_as_json(probe, store):
    done = probe(tree(store), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["storage"], report["runs"]) == (f"the bucket registry at {store.endpoint}", True)
    assert report["findings"][0] == {
        "what": "write a file",
        "holds": True,
        "follows": "pushes can be stored",
        "needed": True,
    }


def test_a_bucket_that_is_missing_is_one_sentence_and_exit_code_1(probe, store):
    storage = tree(store)
    storage["s3"]["bucket"] = "missing"
    done = probe(storage)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "NO   write a file: nothing can be pushed: there is no such bucket (NoSuchBucket to PutObject)",
        f"the bucket missing at {store.endpoint} lacks what the registry needs",
    ]


def test_a_store_that_is_not_there_is_exit_code_3(probe, store):
    storage = tree(store)
    storage["s3"] |= {"regionendpoint": "http://127.0.0.1:1", "retrybudget": "0s"}
    done = probe(storage)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: the bucket registry at http://127.0.0.1:1 can't be reached: ")
    assert "Traceback" not in done.stderr
