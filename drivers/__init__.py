"""Bytes by path. Knows nothing of digests, repositories or HTTP."""
