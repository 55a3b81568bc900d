"""Values that configuration files spell in their own way: durations as Go writes them, sizes, secrets.

Each reads text and refuses what it does not understand with a `ValueError` that shows what would be right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import Self

_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_STEP: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS: Final = re.compile(r"[0-9]+")
_SIZE: Final = re.compile(r"([0-9]+) *(B|KiB|MiB|GiB|TiB)?")
_FACTORS: Final = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


class Duration(float):
    """Seconds, written as Go writes a duration: ``1h30m``, ``168h``, ``250ms``.

    A number without a unit is nanoseconds, as in the Go registry: distribution's files must mean here what they
    mean there.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a duration that is not negative.

        Raises:
            ValueError: *text* is none.
        """
        if _NANOSECONDS.fullmatch(text):
            return cls(int(text) / 1e9)
        steps = list(_STEP.finditer(text))
        if not steps or "".join(step[0] for step in steps) != text:
            raise ValueError(f"{text!r} is no duration; write one like 30s, 1h30m or 168h")
        return cls(sum(float(step[1]) * _SECONDS[step[2]] for step in steps))

    def __str__(self) -> str:
        """Return the text that `parse` reads back: ``1h30m``."""
        if self < 1:
            return f"{round(self * 1000)}ms" if self else "0s"
        hours, rest = divmod(float(self), 3600)
        minutes, seconds = divmod(rest, 60)
        steps = ((int(hours), "h"), (int(minutes), "m"), (float(f"{seconds:.3f}"), "s"))
        return "".join(f"{value:g}{unit}" for value, unit in steps if value)

    __repr__ = __str__


class Size(int):
    """Bytes, written plain or with a binary unit: ``4194304``, ``4MiB``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a size.

        Raises:
            ValueError: *text* is none.
        """
        found = _SIZE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no size; write bytes, or a number with KiB, MiB or GiB")
        return cls(int(found[1]) * _FACTORS[found[2]])

    def __str__(self) -> str:
        """Return the text that `parse` reads back, in the largest unit that divides it."""
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if self and self % _FACTORS[unit] == 0:
                return f"{int(self) // _FACTORS[unit]}{unit}"
        return f"{int(self)}"

    __repr__ = __str__


class Secret:
    """Text that no log, traceback or dump shows; empty means that none is configured."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self._text)

    def __repr__(self) -> str:
        """Return stars."""
        return "***" if self._text else "''"

    def __eq__(self, other: object) -> bool:
        """Two secrets with one text are equal."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        """Agree with `__eq__`."""
        return hash(self._text)
