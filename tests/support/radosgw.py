"""Ceph's gateway with one monitor and one store in memory below it, all below one folder and without a manager."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from tests.support.programs import find
from tests.support.s3stores import ACCESS_KEY, SECRET_KEY, Store, ending, free_port, wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS: Final = ("ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin")
_PATIENCE: Final = 60.0  # seconds for each step
_BYTES: Final = 4 << 30
_CONFIG: Final = """
[global]
fsid = 5b8a6c4e-9c5c-4e0e-9d55-3f6f0a7d3c11
mon host = [v2:127.0.0.1:{monitor}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = {folder}/keyring
run dir = {folder}
pid file = {folder}/$name.pid
admin socket = {folder}/$name.sock
log file = {folder}/$name.log
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 1

[mon]
mon data = {folder}/mon

[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = {size}

[client.admin]
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw data = {folder}/gateway
rgw enable usage log = false
rgw enable ops log = false
"""


@contextmanager
def radosgw(folder: Path) -> Iterator[Store]:
    """A cluster that lives as long as the block; it holds 4 GiB.

    Raises:
        FileNotFoundError: one of its programs is not installed.
        AssertionError: it did not start.
    """
    paths = {name: find(name) for name in PROGRAMS}
    for name in ("mon", "osd", "gateway"):
        (folder / name).mkdir(parents=True)
    monitor, gateway = free_port(), free_port()
    config = folder / "ceph.conf"
    config.write_text(_CONFIG.format(folder=folder, monitor=monitor, gateway=gateway, size=_BYTES))
    keyring = folder / "keyring"

    def call(name: str, *arguments: str) -> str:
        done = subprocess.run(
            [paths[name], *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{name} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def ceph(*arguments: str) -> str:
        return call("ceph", "--conf", str(config), "--connect-timeout", str(int(_PATIENCE)), *arguments)

    def start(stack: ExitStack, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = stack.enter_context((folder / f"{name}.out").open("wb"))
        process = subprocess.Popen([paths[name], "--conf", str(config), "-f", *arguments], stdout=log, stderr=log)
        stack.enter_context(ending(process))
        return process

    call("ceph-authtool", str(keyring), "--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    everything = [word for part in ("mon", "osd", "mds", "mgr") for word in ("--cap", part, "allow *")]
    call("ceph-authtool", str(keyring), "--gen-key", "-n", "client.admin", *everything)
    fsid = _CONFIG.split("fsid = ")[1].split()[0]
    map_ = str(folder / "monmap")
    call("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{monitor}]", map_)
    call("ceph-mon", "--conf", str(config), "--mkfs", "-i", "a", "--monmap", map_, "--keyring", str(keyring))
    with ExitStack() as stack:
        wait(start(stack, "ceph-mon", "-i", "a"), monitor)
        ceph("osd", "create")
        key = ceph("auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *")
        with keyring.open("a") as file:
            file.write(key)
        for command in ("add-bucket h host", "move h root=default", "add osd.0 1 host=h"):
            ceph("osd", "crush", *command.split())
        call("ceph-osd", "--conf", str(config), "-i", "0", "--mkfs")
        start(stack, "ceph-osd", "-i", "0")
        call(
            "radosgw-admin",
            "--conf",
            str(config),
            "user",
            "create",
            "--uid=tester",
            "--display-name=tester",
            f"--access-key={ACCESS_KEY}",
            f"--secret-key={SECRET_KEY}",
        )
        wait(start(stack, "radosgw", "-n", "client.admin"), gateway)
        yield Store("radosgw", f"http://127.0.0.1:{gateway}")
