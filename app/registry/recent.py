"""What was used last, as long as there is room: a dictionary that forgets what nobody asked for longest."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


def _one(value: object) -> int:
    del value
    return 1


class Recent(Generic[K, V]):
    """Values by key, forgotten in order of use when they weigh more than *room* in all.

    Args:
        room: the most that all values together may weigh.
        weigh: what a value weighs; if not given, each weighs one, so that *room* is a number of values.
    """

    def __init__(self, room: int, weigh: Callable[[V], int] = _one) -> None:
        self._room = room
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V:
        """Return the value, which is now the one used last.

        Raises:
            KeyError: it is not remembered.
        """
        value = self._values[key]
        self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember *value*, unless it alone is too heavy."""
        self.drop(key)
        weight = self._weigh(value)
        if weight > self._room:
            return
        self._values[key] = value
        self._weight += weight
        while self._weight > self._room:
            _, forgotten = self._values.popitem(last=False)
            self._weight -= self._weigh(forgotten)

    def drop(self, key: K) -> None:
        """Forget *key*, if it is remembered."""
        if key in self._values:
            self._weight -= self._weigh(self._values.pop(key))
