"""Bytes on a local disk."""
