"""What can be set about the wire. `app.main` fills it from the configuration; nothing here reads a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """How the API answers.

    Attributes:
        host: the URL clients know us by, ``https://registry.example.com``; empty: taken from each request.
        prefix: the path that everything is below, without a slash at its end.
        relative_urls: Locations are paths without scheme and host, unless *host* is set.
        headers: sent with every answer.
        delete: whether manifests, tags and blobs may be deleted.
        read_only: whether every method that writes is refused.
        manifest_limit: bytes of the largest manifest.
        tag_limit: the most ``tag`` parameters on one manifest.
        tags_page: the longest page of a tag list; ``None``: whole, unless the client asks for less.
        catalog_page: names in a page of the catalog when the client does not say.
        catalog_ceiling: the longest page of the catalog.
        referrers_page: descriptors in a page of referrers, at most.
        referrers_bytes: about how long the JSON of such a page may be.
        inline: blobs up to this many bytes are sent from memory.
        idle: seconds that the next bytes of a body, either way, may take.
        body_memory: bytes of request bodies that are in memory at once; who gets none stops reading from its socket.
        uploads: requests that may bring blob bytes at once; the others wait.
    """

    host: str = ""
    prefix: str = ""
    relative_urls: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    delete: bool = True
    read_only: bool = False
    manifest_limit: int = 4 << 20
    tag_limit: int = 32
    tags_page: int | None = None
    catalog_page: int = 100
    catalog_ceiling: int = 1000
    referrers_page: int = 1000
    referrers_bytes: int = 4 << 20
    inline: int = 64 << 10
    idle: float = 60.0
    body_memory: int = 64 << 20
    uploads: int = 256
