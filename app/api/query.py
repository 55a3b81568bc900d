"""The query of a request: read from the URL alone, never from a form in the body, and ``+`` is a plus.

No parameter of this API has a space in it, but media types have pluses, which clients forget to escape.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

_MOST: Final = 128  # parameters that are looked at


class Query(dict[str, str]):
    """The first value of each parameter; `every` has them all."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._pairs: list[tuple[str, str]] = []
        for pair in text.split("&", _MOST)[:_MOST] if text else ():
            key, _, value = pair.partition("=")
            self._pairs.append((unquote(key), unquote(value)))
            self.setdefault(unquote(key), unquote(value))

    def every(self, key: str) -> list[str]:
        """All values of a parameter, in order."""
        return [value for name, value in self._pairs if name == key]
