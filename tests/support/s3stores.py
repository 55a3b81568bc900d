"""S3 servers of other people, each as a process of its own on a free port of the loopback interface."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.session import AioSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from drivers.s3 import S3Settings
from tests.support.programs import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS_KEY: Final = "tester"
SECRET_KEY: Final = "tester-secret"
REGION: Final = "us-east-1"
BUCKET: Final = "registry"

_START: Final = 30.0  # seconds until a server that does not answer counts as failed
_MOTO: Final = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A server that runs; *endpoint* has the scheme."""

    name: str
    endpoint: str

    def settings(self, **changed: Any) -> S3Settings:
        """Return settings for the bucket of this store."""
        return S3Settings(
            **{
                "bucket": BUCKET,
                "region": REGION,
                "regionendpoint": self.endpoint,
                "accesskey": ACCESS_KEY,
                "secretkey": SECRET_KEY,
                **changed,
            }
        )

    def api(self) -> Any:
        """Return the SDK's client, to be entered: for looking at what the driver did."""
        return AioSession().create_client(
            "s3",
            verify=False,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    async def create_bucket(self) -> None:
        """Make the bucket."""
        async with self.api() as api:
            await api.create_bucket(Bucket=BUCKET)

    async def uploads(self, root: str = "") -> list[str]:
        """Return the keys below *root* of uploads in parts that nobody has finished."""
        prefix = f"{root.strip('/')}/" if root.strip("/") else ""
        async with self.api() as api:
            answer = await api.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix)
        return [upload["Key"] for upload in answer.get("Uploads", ())]


@contextmanager
def moto() -> Iterator[Store]:
    """A stand-in written in Python: it keeps all in memory, checks no signature and ignores conditions of a copy."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with _ending(process):
        port = int(process.stdout.readline()) if process.stdout else 0
        yield Store("moto", f"http://127.0.0.1:{port}")


@contextmanager
def versitygw(folder: Path, *, tls: bool = False) -> Iterator[Store]:
    """A real server whose objects are files below *folder*; with *tls* it has a certificate of its own making.

    Raises:
        FileNotFoundError: it is not built.
    """
    data = folder / "buckets"
    data.mkdir(parents=True)
    port = _free_port()
    certificate = _certificate(folder) if tls else []
    process = subprocess.Popen(
        [
            find("versitygw"),
            "--port",
            f"127.0.0.1:{port}",
            "--region",
            REGION,
            "--keep-alive",
            "--quiet",
            *certificate,
            "posix",
            data,
        ],
        env={**os.environ, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with _ending(process):
        _wait(process, port)
        yield Store("versitygw", f"http{'s' if tls else ''}://127.0.0.1:{port}")


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()


def _certificate(folder: Path) -> list[str]:
    """Make a certificate and return the options that name it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(signed.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ["--cert", str(files[0]), "--key", str(files[1])]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"the server on port {port} did not start")
