"""The command as a user types it, each time in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
import yaml

from app import __version__
from app.cli.serve import is_public
from app.config.model import HTTP, Network
from tests.support.buckets import tree
from tests.support.programs import ROOT, moorage, needed
from tests.support.s3stores import BUCKET, versitygw


def call(*arguments, cwd=None, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version_is_told_in_both_spellings():
    assert call("--version").stdout == f"moorage {__version__}\n"
    assert call("version").stdout.startswith(f"moorage {__version__}\nPython ")


def test_help_names_every_verb_and_the_exit_codes():
    shown = call("--help").stdout
    for word in ("serve", "version", "config", "Exit codes"):
        assert word in shown


def test_a_verb_that_does_not_exist_is_answered_with_the_nearest():
    done = call("srve")
    assert done.returncode == 2
    assert "serve" in done.stderr


def test_check_lists_every_problem_on_a_line_of_its_own_without_a_traceback(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("version: 0.1\nstorage: {filesystem: {rootdirectry: /x}}\nauth: {token: {realm: x}}\n")
    for verb in (("config", "check"), ("config", "show"), ("serve",)):
        done = call(*verb, str(path))
        assert done.returncode == 2
        assert done.stdout == ""
        auth, key = done.stderr.splitlines()
        assert auth.startswith(f"error: {path}: auth: not served by this version yet; take it out, and ")
        assert key == f"error: {path}: storage.filesystem.rootdirectry: unknown key; did you mean rootdirectory?"


def test_check_says_that_a_configuration_is_good_and_warns_of_odd_variables():
    done = call("config", "check", REGISTRY_HTTP_ADRESS="x")
    assert done.returncode == 0
    assert done.stdout == "built-in configuration: good\n"
    assert done.stderr == "warning: REGISTRY_HTTP_ADRESS: no configuration key has this name; ignored\n"


def test_show_prints_what_would_hold_and_hides_secrets():
    done = call("config", "show", REGISTRY_HTTP_SECRET="hunter2", REGISTRY_CATALOG_MAXENTRIES="7")
    assert "maxentries: 7" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_damaged_file_of_the_registrys_own_is_one_sentence_and_exit_code_3(tmp_path):
    secret = tmp_path / "moorage/v1/state/secret"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"")
    done = call("serve", REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=str(tmp_path), REGISTRY_HTTP_ADDR="127.0.0.1:0")
    assert done.returncode == 3
    assert "moorage/v1/state/secret has 0 bytes instead of 32" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_in_use_is_one_sentence_and_exit_code_3(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = call("serve", cwd=tmp_path, REGISTRY_HTTP_ADDR=address)
    assert done.returncode == 3
    assert f"can't listen on {address}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_one_sentence_and_exit_code_2(tmp_path, address):
    done = call("serve", cwd=tmp_path, REGISTRY_HTTP_ADDR=address)
    assert done.returncode == 2
    assert "is no address; write host:port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_of_others_is_one_sentence_and_exit_code_3(tmp_path):
    done = call("serve", cwd=tmp_path, REGISTRY_HTTP_ADDR="192.0.2.1:0")  # set aside for documentation (RFC 5737)
    assert done.returncode == 3
    assert "can't listen on 192.0.2.1:0: " in done.stderr
    assert "Errno" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_cant_be_written_is_one_sentence_and_exit_code_3(tmp_path):
    (tmp_path / "file").write_text("a file stands in the way")
    root = str(tmp_path / "file" / "root")
    done = call("serve", cwd=tmp_path, REGISTRY_HTTP_ADDR="127.0.0.1:0", REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=root)
    assert done.returncode == 3
    assert f"the storage in {root} can't be used: " in done.stderr
    assert "Traceback" not in done.stderr


def test_it_serves_until_it_is_told_to_stop(tmp_path):
    with moorage(tmp_path) as server, urllib.request.urlopen(f"http://{server.address}/v2/") as answer:
        assert answer.status == 200
    assert server.process.returncode == 0
    assert server.lines[-1]["msg"] == "stopped"


def test_an_interrupt_ends_it_in_good_order_too(tmp_path):
    with moorage(tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=30) == 0


def test_the_access_log_can_be_switched_off(tmp_path):
    quiet = {"log": {"formatter": "json", "accesslog": {"disabled": True}}}
    with moorage(tmp_path, quiet) as server, urllib.request.urlopen(f"http://{server.address}/v2/"):
        pass
    assert [line for line in server.lines if line["msg"] == "response completed"] == []


def test_serving_others_without_authentication_is_warned_about(tmp_path):
    def warnings(address):
        with moorage(tmp_path / address.replace(":", "-"), {"http": {"addr": address}}) as server:
            pass
        return [line["msg"] for line in server.lines if line["level"] == "warning"]

    (sentence,) = warnings("0.0.0.0:0")
    assert "no authentication is configured" in sentence
    assert warnings("127.0.0.1:0") == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("127.0.0.1:5000", False),
        ("127.8.0.1:5000", False),
        ("[::1]:5000", False),
        ("localhost:5000", False),
        (":5000", True),
        ("0.0.0.0:5000", True),
        ("[::]:5000", True),
        ("192.0.2.1:5000", True),
        ("registry.example.com:5000", True),
    ],
)
def test_which_addresses_others_can_reach(address, public):
    assert is_public(HTTP(addr=address)) is public


def test_a_unix_socket_is_reached_by_this_machine_only():
    assert not is_public(HTTP(addr="/run/registry.sock", net=Network.UNIX))


def test_what_the_s3_driver_refuses_is_wrong_configuration_for_every_verb(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("version: 0.1\nstorage: {s3: {bucket: b}}\n")
    for verb in (("config", "check"), ("config", "show"), ("serve",)):
        done = call(*verb, str(path))
        assert done.returncode == 2
        assert done.stderr == f"error: {path}: storage.s3: region is missing, and there is no regionendpoint\n"


def test_a_bucket_that_is_not_there_is_one_sentence_and_exit_code_3(tmp_path):
    needed("versitygw")
    with versitygw(tmp_path / "store") as store:
        path = tmp_path / "config.yml"
        path.write_text(yaml.safe_dump({"version": "0.1", "storage": tree(store)}))
        done = call("serve", str(path))
    assert done.returncode == 3
    assert (
        f"the bucket {BUCKET} at {store.endpoint} can't be used: there is no such bucket (NoSuchBucket" in done.stderr
    )
    assert "Traceback" not in done.stderr
