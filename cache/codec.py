"""What a cache that others may write to holds, as bytes: about 70 of them, versioned, and bound to their key.

Every value ends with a MAC over its key and itself, so that one that is corrupted, foreign, forged or moved to another
key is no value. The secret is the store's, and so is the name of the store in each key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from app.oci.descriptor import Descriptor
from app.oci.digest import Algorithm, Digest
from app.oci.mediatype import OCTET_STREAM

if TYPE_CHECKING:
    from app.oci.reference import RepositoryName
    from cache.contract import LinkKind

NONCE_BYTES: Final = 12  # of a generation

_VERSION: Final = b"\x01"
_MAC_BYTES: Final = 16
_LARGEST: Final = 1024  # bytes of any value of ours
_SHA256_BYTES: Final = 32

T = TypeVar("T")


class ValueInvalid(Exception):
    """Not a value that was written under this key by anybody who knows the secret."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of what is remembered, for one store.

    The braces are hash tags: what belongs to a repository lies in one slot of a cluster, where a script may use it.

    Attributes:
        storage: names the store, so that two on one Redis never meet.
    """

    storage: str

    def member(self, repository: RepositoryName, kind: LinkKind, digest: Digest) -> bytes:
        """Of a membership."""
        return f"moorage:1:{self.storage}:m:{{{repository}}}:{kind}:{digest}".encode()

    def generation(self, repository: RepositoryName) -> bytes:
        """Of a repository's generation."""
        return f"moorage:1:{self.storage}:g:{{{repository}}}".encode()

    def size(self, digest: Digest) -> bytes:
        """Of the size of a digest."""
        return f"moorage:1:{self.storage}:d:{digest}".encode()


class Member(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The repository saw the digest in this generation and epoch.

    Attributes:
        generation: the nonce of the repository's generation.
        epoch: a short form of the epoch's name; see `Codec.epoch`.
        media_type: as the repository declared it; empty for the type of plain bytes.
    """

    generation: bytes
    epoch: bytes
    media_type: str = ""


class _Size(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    size: int
    sha256: bytes


class Codec:
    """Values to bytes and back, under one secret.

    Args:
        secret: at least 16 bytes that only the store's own processes know.
    """

    __slots__ = ("_decode_member", "_decode_nonce", "_decode_size", "_encode", "_key")

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"moorage cache").digest()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode_member = msgspec.msgpack.Decoder(Member)
        self._decode_size = msgspec.msgpack.Decoder(_Size)
        self._decode_nonce = msgspec.msgpack.Decoder(bytes)

    @staticmethod
    def epoch(name: str) -> bytes:
        """Return the short form of an epoch's name; two names of one form do not happen."""
        return blake2b(name.encode(), digest_size=NONCE_BYTES, person=b"epoch").digest()

    def seal_member(self, key: bytes, member: Member) -> bytes:
        """Return the value of a membership."""
        return self._seal(key, self._encode(member))

    def open_member(self, key: bytes, value: bytes) -> Member:
        """Return the membership that *value* holds.

        Raises:
            ValueInvalid: it was not written under *key* by us.
        """
        return self._open(key, value, self._decode_member)

    def seal_size(self, key: bytes, descriptor: Descriptor) -> bytes:
        """Return the value of a size; *descriptor* holds the canonical digest."""
        return self._seal(key, self._encode(_Size(descriptor.size, bytes.fromhex(descriptor.digest.hex))))

    def open_size(self, key: bytes, value: bytes) -> Descriptor:
        """Return the canonical descriptor that *value* holds, as plain bytes.

        Raises:
            ValueInvalid: it was not written under *key* by us.
        """
        found = self._open(key, value, self._decode_size)
        if found.size < 0 or len(found.sha256) != _SHA256_BYTES:
            raise ValueInvalid
        return Descriptor(OCTET_STREAM, found.size, Digest(f"{Algorithm.SHA256}:{found.sha256.hex()}"))

    def seal_nonce(self, key: bytes, nonce: bytes) -> bytes:
        """Return the value of a generation."""
        return self._seal(key, self._encode(nonce))

    def open_nonce(self, key: bytes, value: bytes) -> bytes:
        """Return the nonce that *value* holds.

        Raises:
            ValueInvalid: it was not written under *key* by us.
        """
        return self._open(key, value, self._decode_nonce)

    def _seal(self, key: bytes, payload: bytes) -> bytes:
        body = _VERSION + payload
        return body + self._mac(key, body)

    def _open(self, key: bytes, value: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
        body, mac = value[:-_MAC_BYTES], value[-_MAC_BYTES:]
        if len(value) > _LARGEST or not body.startswith(_VERSION):
            raise ValueInvalid
        if not hmac.compare_digest(mac, self._mac(key, body)):
            raise ValueInvalid
        try:
            return decoder.decode(memoryview(body)[1:])
        except msgspec.DecodeError:
            raise ValueInvalid from None

    def _mac(self, key: bytes, body: bytes) -> bytes:
        # The length keeps the end of a key and the beginning of a value apart.
        hashed = blake2b(len(key).to_bytes(4, "big"), digest_size=_MAC_BYTES, key=self._key)
        hashed.update(key)
        hashed.update(body)
        return hashed.digest()
