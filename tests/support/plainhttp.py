"""A registry client of the plainest kind, blocking, over one connection: for pushes in an order that a test decides."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.oci.mediatype import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, OCI_INDEX
from tests.support.images import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.support.images import Image


MANIFESTS = (OCI_IMAGE, OCI_INDEX, DOCKER_IMAGE, DOCKER_LIST)  # what every client takes


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """One keep-alive connection."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Reply:
        """Send one request; an iterable body goes out in chunks. *target* may be a URL."""
        parts = urlsplit(target)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection.request(method, path, body=body, headers=dict(headers or {}))
        response = self._connection.getresponse()
        return Reply(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read())

    def fetch(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET, and go on to where a 307 points, on a connection of its own and without the headers."""
        reply = self.request("GET", target, headers)
        if reply.status != http.HTTPStatus.TEMPORARY_REDIRECT:
            return reply
        with client(urlsplit(reply.headers["location"]).netloc) as other:
            return other.request("GET", reply.headers["location"])

    def push_blob(self, repository: str, content: bytes) -> None:
        """Push a blob by POST and PUT."""
        begun = self.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
        expect(begun, 202)
        closing = with_digest(begun.headers["location"], sha256(content))
        expect(self.request("PUT", closing, body=content), 201)

    def push(self, repository: str, image: Image, tag: str) -> None:
        """Push an image with all that hangs on it."""
        for content in image.contents().values():
            self.push_blob(repository, content)
        for one in image.manifests():
            reference = tag if one is image else one.digest
            headers = {"Content-Type": one.media_type}
            expect(self.request("PUT", f"/v2/{repository}/manifests/{reference}", headers, one.manifest), 201)

    def differences(self, repository: str, image: Image, tag: str) -> list[str]:
        """Compare what the registry gives with what was pushed, byte for byte."""
        paths = {f"/v2/{repository}/blobs/{digest}": content for digest, content in image.contents().items()}
        paths |= {f"/v2/{repository}/manifests/{one.digest}": one.manifest for one in image.manifests()}
        paths[f"/v2/{repository}/manifests/{tag}"] = image.manifest
        found = []
        for path, content in paths.items():
            reply = self.fetch(path, {"Accept": ", ".join(MANIFESTS)})
            if reply.status != 200 or reply.body != content:
                found.append(f"{path}: {reply.status}, {len(reply.body)} bytes instead of {len(content)}")
        return found


def with_digest(location: str, digest: str) -> str:
    """The URL that ends an upload as *digest*; a Location may have a query already."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest.replace(':', '%3A')}"


def expect(reply: Reply, status: int) -> None:
    """Fail with the whole reply unless it has *status*."""
    if reply.status != status:
        raise AssertionError(f"expected {status}: {reply}")


@contextmanager
def client(address: str, *, seconds: float = 60) -> Iterator[Client]:
    """Connect to a registry."""
    connection = http.client.HTTPConnection(address, timeout=seconds)
    try:
        yield Client(connection)
    finally:
        connection.close()
