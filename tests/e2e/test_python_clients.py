"""The Python clients oras and python-dxf, from an environment of their own."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.programs import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ORAS = """
import sys
from pathlib import Path
import oras.client
address, repository, folder = sys.argv[1:]
client = oras.client.OrasClient(hostname=address, insecure=True)
target = f"{address}/{repository}:v1"
pushed = client.push(target=target, files=[f"{folder}/thing.bin"], disable_path_validation=True)
assert pushed.status_code == 201, pushed
pulled = client.pull(target=target, outdir=f"{folder}/out")
assert Path(pulled[0]).read_bytes() == Path(folder, "thing.bin").read_bytes()
assert client.get_tags(target) == ["v1"]
"""

DXF = """
import sys
from pathlib import Path
from dxf import DXF
address, repository, folder = sys.argv[1:]
dxf = DXF(address, repository, insecure=True)
digest = dxf.push_blob(f"{folder}/thing.bin")
dxf.set_alias("v1", digest)
assert dxf.get_alias("v1") == [digest]
assert dxf.list_aliases() == ["v1"]
assert b"".join(dxf.pull_blob(digest)) == Path(folder, "thing.bin").read_bytes()
dxf.del_alias("v1")
assert dxf.list_aliases() == []
dxf.del_blob(digest)
"""


@pytest.mark.parametrize("script", [ORAS, DXF], ids=["oras", "dxf"])
def test_a_file_goes_in_and_out_and_its_tag_is_listed(tmp_path, server, repository, script):
    (tmp_path / "thing.bin").write_bytes(bytes(range(256)) * 20_000)
    done = subprocess.run(
        [ROOT / ".venv" / "clients" / "bin" / "python", "-c", script, server.address, repository, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
