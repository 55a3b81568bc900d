"""Digests that can be put away half-way and continued by another process.

`hashlib` keeps its state to itself, so SHA-256 and SHA-512 run in libcrypto's own contexts, whose layout has been the
same since OpenSSL 0.9.8. A `Digesters` proves at start that this library really computes them; where it does not, or
there is none, states are empty and whoever resumes reads the bytes again. The state is spelled out field by field,
never as a copy of memory, so another machine, or a broken state, can do no harm.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from app.oci.digest import Algorithm, Digest

if TYPE_CHECKING:
    from typing import Any, Self

_MAGIC: Final = b"MDS1"  # Moorage digest state, version 1
_SONAME: Final = "libcrypto.so.3"


class StateInvalid(ValueError):
    """This is no state of that algorithm, or of another version."""


class Digester(Protocol):
    """A digest being computed. Not for two threads at once."""

    def update(self, chunk: bytes | bytearray | memoryview, /) -> None:
        """Add *chunk*. Other threads run meanwhile if it is large."""
        ...

    def digest(self) -> Digest:
        """Return the digest of what was added so far; more may follow."""
        ...

    def state(self) -> bytes:
        """Return what `Digesters.resume` needs to carry on; empty if this digest can't be resumed."""
        ...


class _Context256(ctypes.Structure):
    """``SHA256_CTX`` of openssl/sha.h."""

    _fields_ = (
        ("h", ctypes.c_uint32 * 8),
        ("low", ctypes.c_uint32),
        ("high", ctypes.c_uint32),
        ("block", ctypes.c_ubyte * 64),
        ("used", ctypes.c_uint),
        ("length", ctypes.c_uint),
    )


class _Context512(ctypes.Structure):
    """``SHA512_CTX`` of openssl/sha.h."""

    _fields_ = (
        ("h", ctypes.c_uint64 * 8),
        ("low", ctypes.c_uint64),
        ("high", ctypes.c_uint64),
        ("block", ctypes.c_ubyte * 128),
        ("used", ctypes.c_uint),
        ("length", ctypes.c_uint),
    )


@dataclass(frozen=True, slots=True)
class _Functions:
    """One algorithm of libcrypto, and how its state is written: header, eight words, bytes so far, open block."""

    algorithm: Algorithm
    context: type[_Context256 | _Context512]
    layout: struct.Struct
    block: int
    word: int
    size: int
    init: Any
    update: Any
    final: Any

    @classmethod
    def of(cls, library: ctypes.CDLL, algorithm: Algorithm) -> Self:
        """Find them.

        Raises:
            AttributeError: the library has them not.
        """
        is_256 = algorithm is Algorithm.SHA256
        name = "SHA256" if is_256 else "SHA512"
        init, update, final = (getattr(library, f"{name}_{verb}") for verb in ("Init", "Update", "Final"))
        init.argtypes = (ctypes.c_void_p,)
        update.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        final.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        return cls(
            algorithm=algorithm,
            context=_Context256 if is_256 else _Context512,
            layout=struct.Struct(">4s6s8IQ" if is_256 else ">4s6s8QQ"),
            block=64 if is_256 else 128,
            word=32 if is_256 else 64,
            size=32 if is_256 else 64,
            init=init,
            update=update,
            final=final,
        )


class _Resumable:
    """A digest in a context of libcrypto."""

    __slots__ = ("_context", "_functions")

    def __init__(self, functions: _Functions, context: _Context256 | _Context512) -> None:
        self._functions = functions
        self._context = context

    def update(self, chunk: bytes | bytearray | memoryview, /) -> None:
        data: Any = chunk
        size = len(chunk) if isinstance(chunk, bytes) else memoryview(chunk).nbytes
        if isinstance(chunk, memoryview) and (chunk.readonly or not chunk.c_contiguous):
            data = bytes(chunk)  # ctypes takes the address of bytes and of what may be written to, of nothing else
        elif not isinstance(chunk, bytes):
            data = (ctypes.c_ubyte * size).from_buffer(chunk)
        self._functions.update(ctypes.addressof(self._context), data, size)

    def digest(self) -> Digest:
        functions = self._functions
        copy = functions.context.from_buffer_copy(self._context)  # Final spoils the context
        out = ctypes.create_string_buffer(functions.size)
        functions.final(out, ctypes.addressof(copy))
        return Digest(f"{functions.algorithm}:{out.raw.hex()}")

    def state(self) -> bytes:
        context, functions = self._context, self._functions
        count = (context.high << functions.word | context.low) >> 3
        words = functions.layout.pack(_MAGIC, functions.algorithm.encode(), *context.h, count)
        return words + bytes(context.block[: context.used])


class _Plain:
    """A digest of hashlib, which can't be resumed."""

    __slots__ = ("_algorithm", "_hash")

    def __init__(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    def update(self, chunk: bytes | bytearray | memoryview, /) -> None:
        self._hash.update(chunk)

    def digest(self) -> Digest:
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def state(self) -> bytes:
        return b""


class Digesters:
    """Makes digesters.

    Args:
        library: a libcrypto, as `find_libcrypto` returns it. One that fails the proof is not used.

    Attributes:
        resumable: whether states are of any use.
    """

    def __init__(self, library: ctypes.CDLL | None) -> None:
        self._functions: dict[Algorithm, _Functions] = {}
        self.resumable = False
        if library is None:
            return
        try:
            self._functions = {algorithm: _Functions.of(library, algorithm) for algorithm in Algorithm}
        except AttributeError:  # built without its deprecated part
            return
        self.resumable = all(self._proves_itself(algorithm) for algorithm in Algorithm)

    def new(self, algorithm: Algorithm) -> Digester:
        """Begin a digest, resumable if any is."""
        if not self.resumable:
            return _Plain(algorithm)
        return self._begin(self._functions[algorithm])

    def once(self, algorithm: Algorithm) -> Digester:
        """Begin a digest that will never be put away."""
        return _Plain(algorithm)

    def resume(self, algorithm: Algorithm, state: bytes) -> Digester:
        """Carry on from a state.

        Raises:
            StateInvalid: it is empty, broken, of another algorithm or version, or nothing can be resumed here.
        """
        if not self.resumable:
            raise StateInvalid("this process can't resume digests")
        return self._restore(self._functions[algorithm], state)

    @staticmethod
    def _begin(functions: _Functions) -> _Resumable:
        context = functions.context()
        functions.init(ctypes.addressof(context))
        return _Resumable(functions, context)

    def _restore(self, functions: _Functions, state: bytes) -> _Resumable:
        fixed = functions.layout.size
        if len(state) < fixed:
            raise StateInvalid("a digest state is too short")
        magic, name, *words, count = functions.layout.unpack_from(state)
        # The open block's length follows from the count: nothing in a state can make libcrypto write past its context.
        used = count % functions.block
        if magic != _MAGIC or name != functions.algorithm.encode() or len(state) != fixed + used or count >= 1 << 60:
            raise StateInvalid("a digest state is broken")
        digester = self._begin(functions)
        context = digester._context  # noqa: SLF001  # one module, one secret
        context.h[:] = words
        bits = count << 3
        context.low, context.high = bits & ((1 << functions.word) - 1), bits >> functions.word
        ctypes.memmove(context.block, state[fixed:], used)
        context.used = used
        return digester

    def _proves_itself(self, algorithm: Algorithm) -> bool:
        """Compare with hashlib, whole and put away at lengths around the ends of blocks."""
        functions = self._functions[algorithm]
        sample = bytes(index * 7 & 0xFF for index in range(3 * functions.block + 17))
        for length in (0, 1, functions.block - 1, functions.block, functions.block + 1, len(sample)):
            first = self._begin(functions)
            first.update(sample[:length])
            if first.digest() != Digest.of(sample[:length], algorithm):
                return False
            try:
                second = self._restore(functions, first.state())
            except StateInvalid:
                return False
            second.update(sample[length:])
            if second.digest() != Digest.of(sample, algorithm):
                return False
        return True


def find_libcrypto() -> ctypes.CDLL | None:
    """Return this machine's libcrypto, ``None`` if it has none that can be loaded.

    Minimal images hide the library from the linker's cache, so its name is tried first.
    """
    for name in (_SONAME, ctypes.util.find_library("crypto")):
        if name is not None:
            try:
                return ctypes.CDLL(name)
            except OSError:
                continue
    return None
