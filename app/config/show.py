"""A `Config` as the YAML that `load` would make it of. Secrets are stars: the text is for people and bug reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from app.config.units import Duration, Secret, Size

if TYPE_CHECKING:
    from app.config.model import Config


def as_yaml(config: Config) -> str:
    """Return every key with the value that holds; a driver that is not used is left out."""
    tree = msgspec.to_builtins(config, enc_hook=_plain)
    tree["storage"] = {key: value for key, value in tree["storage"].items() if value is not None}
    text: str = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120)
    return text


def _plain(value: Any) -> str | int:
    if isinstance(value, Size) and value % 1024:
        return int(value)
    if isinstance(value, (Duration, Size)):
        return str(value)
    if isinstance(value, Secret):
        return "***" if value else ""
    raise NotImplementedError(type(value))
