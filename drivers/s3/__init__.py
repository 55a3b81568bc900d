"""The driver of an S3 bucket, or of what speaks like one."""

from __future__ import annotations

from drivers.s3.opening import open_driver
from drivers.s3.settings import S3Settings

__all__ = ["S3Settings", "open_driver"]
