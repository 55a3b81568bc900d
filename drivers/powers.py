"""What a driver can do beyond its verbs, asked once, when the registry is put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.contract import SupportsCompareAndSwap, SupportsCompose, SupportsExtend, SupportsSendfile

if TYPE_CHECKING:
    from drivers.contract import Driver


@dataclass(frozen=True, slots=True)
class Powers:
    """A driver and its optional powers; None is a power that it has not.

    Wrappers (`drivers/observed.py`, `drivers/limited.py`) take this value and return another with the same powers, so
    nobody asks a wrapper with isinstance.
    """

    driver: Driver
    swap: SupportsCompareAndSwap | None
    sendfile: SupportsSendfile | None
    extend: SupportsExtend | None
    compose: SupportsCompose | None


def powers(driver: Driver) -> Powers:
    """Find out what *driver* can do."""
    return Powers(
        driver,
        swap=driver if isinstance(driver, SupportsCompareAndSwap) else None,
        sendfile=driver if isinstance(driver, SupportsSendfile) else None,
        extend=driver if isinstance(driver, SupportsExtend) else None,
        compose=driver if isinstance(driver, SupportsCompose) else None,
    )
