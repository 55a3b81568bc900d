"""Buckets of other people's servers, as the registry's configuration names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiobotocore.session import AioSession
from botocore.loaders import create_loader

from app.config.s3 import S3
from app.config.units import Secret
from tests.support.s3stores import ACCESS_KEY, BUCKET, REGION, SECRET_KEY

if TYPE_CHECKING:
    import pytest

    from tests.support.s3stores import Store


def section(store: Store, **changed: Any) -> S3:
    """The section `storage.s3` for the bucket of *store*."""
    return S3(
        **{
            "bucket": BUCKET,
            "region": REGION,
            "regionendpoint": store.endpoint,
            "accesskey": Secret(ACCESS_KEY),
            "secretkey": Secret(SECRET_KEY),
            **changed,
        }
    )


def tree(store: Store, **changed: Any) -> dict[str, Any]:
    """The section `storage` for the same bucket, as YAML has it."""
    bucket = {
        "bucket": BUCKET,
        "region": REGION,
        "regionendpoint": store.endpoint,
        "accesskey": ACCESS_KEY,
        "secretkey": SECRET_KEY,
    }
    return {"s3": bucket, "cache": {"blobdescriptor": "inmemory"}, "delete": {"enabled": True}, **changed}


def read_the_sdks_files_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all clients in this process share what the SDK reads from its own files, which takes it a while."""
    loader = create_loader()

    class Session(AioSession):  # type: ignore[misc]  # the SDK has no types
        def __init__(self) -> None:
            super().__init__()
            self.register_component("data_loader", loader)

    monkeypatch.setattr("drivers.s3.connection.AioSession", Session)
