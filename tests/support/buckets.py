"""Buckets of other people's servers, as the registry's configuration names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.config.s3 import S3
from app.config.units import Secret
from tests.support.s3stores import ACCESS_KEY, BUCKET, REGION, SECRET_KEY

if TYPE_CHECKING:
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
