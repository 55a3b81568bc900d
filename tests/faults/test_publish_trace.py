"""What strace sees of a client's whole work: each name is synced before the next one that leans on it is made."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import dirname

import pytest

PROJECT = Path(__file__).parents[2]
CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat"
CALL = re.compile(r"^\w+\(")
NAMES = re.compile(r'"([^"]*)"|<([^<>]*)>')
PASSING = ("/moorage/v1/tmp", "/moorage/v1/state/uploads", "/moorage/v1/state/pieces")  # may go with a power cut

SCRIPT = """
import asyncio, os, sys
from pathlib import Path
from app.main import registry
from tests.support.running import configuration
from tests.support.scenario import work

def acknowledge(mark):
    try:
        os.mkdir("/nowhere/" + mark.split()[0])
    except OSError:
        pass

async def main():
    async with registry(configuration("filesystem", Path(sys.argv[1]))) as services:
        await work(services.namespace, acknowledge)

asyncio.run(main())
"""


def traced(root: Path, out: Path) -> list[tuple[str, ...]]:
    """Do the work under strace; the successful calls, as name and paths below *root*, and ``("ack", ...)`` between."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    command = ["strace", "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(out), sys.executable, "-c"]
    run = subprocess.run(
        [*command, SCRIPT, str(root)], cwd=PROJECT, capture_output=True, text=True, timeout=100, check=False
    )
    if "ptrace" in run.stderr and "not permitted" in run.stderr:
        pytest.skip(f"strace may not trace here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    calls, begun = [], {}
    for line in out.read_text().splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):  # another thread's call comes in between
            begun[thread] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<... "):
            text = begun.pop(thread) + text.partition("resumed>")[2]
        if not CALL.match(text):
            continue
        name = text.partition("(")[0]
        paths = [one or other for one, other in NAMES.findall(text)]
        if paths and paths[0].startswith("/nowhere/"):
            calls.append(("ack", dirname(paths[0]), paths[0]))
        elif text.endswith("= 0") and all(path.startswith(str(root)) for path in paths):
            calls.append((name, *(path.removeprefix(str(root)) or "/" for path in paths)))
    return calls


def _lasting(folders: set[str]) -> set[str]:
    return {folder for folder in folders if not folder.startswith(PASSING)}


@pytest.mark.timeout(120)
def test_bytes_are_durable_before_their_link_and_links_before_their_tag_and_all_before_the_answer(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    synced_files: set[str] = set()
    changed: set[str] = set()
    published = acknowledged = 0
    for name, *paths in traced(root, tmp_path / "trace"):
        if name in ("fsync", "fdatasync"):
            synced_files.add(paths[0])
            changed.discard(paths[0])
        elif name == "ack":
            assert not _lasting(changed), paths
            acknowledged += 1
        else:
            target = paths[-1]
            if name.startswith(("rename", "link")) and target.startswith("/docker/"):
                assert paths[0] in synced_files, f"{target} got its name before its bytes were synced"
                before = "/docker/registry/v2/blobs" if "/_manifests/tags/" not in target else "/docker/registry/v2"
                owed = {folder for folder in _lasting(changed) if folder.startswith(before)} - {dirname(target)}
                if target.endswith("/link"):
                    made = {folder for folder in owed if target.startswith(f"{folder}/")}  # its own way down
                    assert not owed - made, f"{target} leans on what is not synced"
                published += 1
            changed |= {dirname(path) for path in paths}
            if name.startswith(("rename", "rmdir")):  # what is gone owes nothing
                changed = {folder for folder in changed if not f"{folder}/".startswith(f"{paths[0]}/")}
    assert published > 15
    assert acknowledged > 8
