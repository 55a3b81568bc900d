"""Requests that nobody should send: a seeded generator of raw HTTP/1.1.

Most are well-formed HTTP around ill-formed paths, queries, headers and bodies, because those reach the handlers; a
few are not even HTTP. Every request is complete: the server owes it an answer or a closed connection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

METHODS: Final = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE") * 4 + ("OPTIONS", "TRACE", "PROPFIND", "get")
SERVED: Final = {
    "/manifests/": ("GET", "HEAD", "PUT", "PUT", "DELETE"),
    "/blobs/uploads/?": ("POST",),
    "/blobs/uploads/": ("PATCH", "PUT", "GET", "DELETE", "POST"),
    "/blobs/": ("GET", "GET", "HEAD", "DELETE"),
}
NUMBERS: Final = ("0", "-1", "1e9", "2147483648", "9223372036854775808", "18446744073709551616", "01", "+5", "\uff11", "0x10", "NaN",
    "", " ", "5,6", "9" * 400)  # fmt: skip
NOISE: Final = ("%00", "%0d%0a", "%2e%2e", "..", "%2F", "%5c", "//", "%ff%fe", "%", "%zz", "é", "\uff05", ";", "?", "#", "&", "=", "+", "~",
    "%F0%9F%90%B3", "%ed%a0%80", "\x01", "\x7f", "_", "-", "__", "...", "a" * 300, "a/" * 200, "%25", "*", ":", "@", "[", "]")  # fmt: skip
TYPES: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/html",
    "",
    ";",
    "a" * 2000,
)


@dataclass
class Hostile:
    """Makes requests from *random*; *known* are digests, names and paths that exist, to get past the first check."""

    random: Random
    names: Sequence[str]
    digests: Sequence[str]
    locations: list[str]

    def request(self) -> bytes:
        """Return one raw request."""
        if self.random.random() < 0.03:
            return self._garbage()
        target = self._target()
        method = self._method(target)
        headers: list[tuple[str, str]] = [("Host", "localhost")]
        headers.extend(self._header() for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))))
        body = b""
        if method in ("PUT", "POST", "PATCH") or self.random.random() < 0.05:
            body = self._body()
            headers.append(("Content-Type", self.random.choice(TYPES)))
        chunked = bool(body) and self.random.random() < 0.3
        headers.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
        payload = self._chunks(body) if chunked else body
        return head.encode("utf-8", "surrogatepass") + payload

    def _method(self, target: str) -> str:
        """One that is served there, as a rule."""
        if self.random.random() < 0.2:
            return self.random.choice(METHODS)
        for part, methods in SERVED.items():
            if part in target:
                return self.random.choice(methods)
        return "GET"

    def _garbage(self) -> bytes:
        random = self.random
        return random.choice(
            (
                random.randbytes(random.randrange(1, 200)) + b"\r\n\r\n",
                b"GET /v2/ HTTP/9.9\r\n\r\n",
                b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
                b"GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"PUT /v2/a/manifests/b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
                b"GET /" + b"v" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                b"GET http://[::1/v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
                b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
                b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                b"GET /v2/ HTTP/1.0\r\n\r\n",
            )
        )

    def _chunks(self, body: bytes) -> bytes:
        out = bytearray()
        while body:
            size = self.random.randrange(1, len(body) + 1)
            out += b"%x\r\n%s\r\n" % (size, body[:size])
            body = body[size:]
        return bytes(out) + b"0\r\n\r\n"

    def _name(self) -> str:
        name = self.random.choice(self.names)
        return self._spoil(name) if self.random.random() < 0.1 else name

    def _digest(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(self.digests)
        return self.random.choice(
            (
                "sha256:short",
                "sha256:../../../etc/passwd",
                "sha256:" + "A" * 64,
                "sha256:" + "0" * 63,
                "sha256:" + "0" * 65,
                "sha256:" + "0" * 64,
                "sha512:" + "1" * 128,
                "sha512:" + "1" * 64,
                "md5:d41d8cd98f00b204e9800998ecf8427e",
                "sha256%3A" + "2" * 64,
                "a+b:c",
                ":",
                "sha256:",
                "sha257:" + "0" * 64,
                "sha256:" + "0" * 10_000,
                self._spoil(self.random.choice(self.digests)),
            )
        )

    def _spoil(self, text: str) -> str:
        at = self.random.randrange(len(text) + 1)
        return text[:at] + self.random.choice(NOISE) + text[at:]

    def _reference(self) -> str:
        return (
            self._digest()
            if self.random.random() < 0.4
            else self.random.choice(("latest", "v1", "-x", ".", "a" * 129, "né"))
        )

    def _target(self) -> str:
        random = self.random
        if self.locations and random.random() < 0.15:
            return self._query(random.choice(self.locations))
        path = random.choice(
            (
                lambda: "/v2/",
                lambda: "/v2/_catalog",
                lambda: f"/v2/{self._name()}/tags/list",
                lambda: f"/v2/{self._name()}/manifests/{self._reference()}",
                lambda: f"/v2/{self._name()}/blobs/{self._digest()}",
                lambda: f"/v2/{self._name()}/blobs/uploads/",
                lambda: f"/v2/{self._name()}/blobs/uploads/{self._spoil('0b1c')}",
                lambda: f"/v2/{self._name()}/referrers/{self._digest()}",
                lambda: "/v2/_oci/ext/discover",
                lambda: self._spoil("/v2/a/tags/list"),
                lambda: self._spoil("/"),
            )
        )()
        path = "".join(char if char not in " \r\n\t" else "%20" for char in path)
        return self._query(path)

    def _query(self, path: str) -> str:
        random = self.random
        parts = []
        for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
            key = random.choice(
                (
                    "n",
                    "last",
                    "digest",
                    "mount",
                    "from",
                    "artifactType",
                    "tag",
                    "_state",
                    "digest-algorithm",
                    "ns",
                    "%00",
                )
            )
            value = random.choice(
                (
                    random.choice(NUMBERS),
                    random.choice(NOISE),
                    self._digest(),
                    self._name(),
                    "sha512",
                    "AAAA" * 50,
                )
            )
            parts.append(f"{key}={value}".replace(" ", "%20"))
        if not parts:
            return path
        return path + ("&" if "?" in path else "?") + "&".join(parts)

    def _header(self) -> tuple[str, str]:
        random = self.random
        number = random.choice(NUMBERS)
        return random.choice(
            (
                ("Range", f"bytes={number}-{random.choice(NUMBERS)}"),
                ("Range", "bytes=" + ",".join(f"{i}-{i}" for i in range(random.choice((2, 50, 2000))))),
                (
                    "Range",
                    random.choice(
                        (
                            "bytes",
                            "bytes=",
                            "bytes=-",
                            "bytes=--",
                            "items=0-1",
                            "bytes=a-b",
                            "bytes=0-0,-0",
                            "bytes=5-2",
                        )
                    ),
                ),
                ("Content-Range", f"{number}-{random.choice(NUMBERS)}"),
                ("Content-Range", random.choice(("bytes 0-2/*", "bytes */*", "0-", "-", "a-b", "0--1", "5-2"))),
                ("If-None-Match", random.choice(('W/"', "*", '"', '"a", W/"b"', "," * 500, self._digest()))),
                ("If-Match", random.choice(("*", '""', self._digest(), '"a"', "é"))),
                ("If-Range", random.choice(('"x"', "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Zzz", ""))),
                ("Accept", random.choice(("*/*;q=zz", "a" * 5000, ",", "application/json;;"))),
                (
                    "Authorization",
                    random.choice(("Basic", "Basic !!!", "Basic Og==", "Bearer a.b.c", "Bearer " + "x" * 7000, "\x01")),
                ),
                ("Expect", random.choice(("100-continue", "200-ok", ""))),
                ("Forwarded", random.choice(('for=;host="', "host=evil;proto=javascript", 'host="a\\"b"', ";" * 99))),
                ("X-Forwarded-Proto", random.choice(("javascript", "https,http", "", "é"))),
                ("X-Forwarded-Host", random.choice(("evil/..", "a,b", "[::1", "a b", "é"))),
                ("X-Request-ID", random.choice(("x" * 5000, "\x01", "é", ""))),
                ("traceparent", random.choice(("00-" + "0" * 32 + "-" + "0" * 16 + "-00", "zz", "00-é"))),
                ("Content-Encoding", random.choice(("gzip", "deflate", "br", "zz"))),
                ("Connection", random.choice(("close", "keep-alive", "upgrade"))),
                ("Cookie", "a=" + ";" * 100),
                ("Host", random.choice(("", "a b", "[::1", "é", "x" * 300))),
                ("X-HTTP-Method-Override", "DELETE"),
            )
        )

    def _body(self) -> bytes:
        random = self.random
        descriptor = {
            "mediaType": "a/b",
            "size": random.choice((0, -1, 1.5, 2**63, 10**30, "1", True, None)),
            "digest": self._digest(),
        }
        document: object = {
            "schemaVersion": random.choice((2, 1, "2", None, 2.0, 10**40)),
            "mediaType": random.choice(TYPES[:5]),
            random.choice(("config", "subject", "layers", "manifests")): random.choice(
                (descriptor, [descriptor], None, 5, "x", [[]])
            ),
            random.choice(("layers", "manifests", "annotations", "blobs")): random.choice(
                ([descriptor], descriptor, {"a": 5}, [None], "x")
            ),
        }
        return random.choice(
            (
                b"",
                b"{}",
                b"[]",
                b"null",
                b"\xff\xfe",
                b"x" * random.randrange(1, 70_000),
                b"[" * 100_000,
                b'{"a":' * 5_000,
                b'{"layers":[],"layers":[]}',
                b'{"schemaVersion":NaN}',
                b'{"schemaVersion":1e999}',
                b'{"mediaType":"\\ud800"}',
                json.dumps(document).encode(),
                json.dumps(document).encode()[:-3],
            )
        )
