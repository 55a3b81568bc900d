"""Bytes on a local disk."""

from drivers.filesystem.driver import FilesystemDriver

__all__ = ["FilesystemDriver"]
