"""The grammar of paths, the same for every driver.

Absolute, ``/`` between components of ``[A-Za-z0-9._-]``, no ``.`` and no ``..``. A folder may also be the root, ``/``.
"""

from __future__ import annotations

import re
from typing import Final

from drivers.errors import InvalidPath

ROOT: Final = "/"

_COMPONENT: Final = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_PATH: Final = re.compile(rf"(?:/{_COMPONENT})+")
_NAME: Final = re.compile(_COMPONENT)


def check_file(path: str) -> str:
    """Return *path* if a file may have it.

    Raises:
        InvalidPath: it breaks the grammar, or is the root.
    """
    if _PATH.fullmatch(path) is None:
        raise InvalidPath(path)
    return path


def check_folder(path: str) -> str:
    """Return *path* if a folder may have it; the root is one.

    Raises:
        InvalidPath: it breaks the grammar.
    """
    return path if path == ROOT else check_file(path)


def is_name(name: str) -> bool:
    """Tell whether *name* may be a component; a driver passes over what others left beside our files."""
    return _NAME.fullmatch(name) is not None


def is_path(path: str) -> bool:
    """Tell whether a file may have *path*; for what others left, as `is_name`."""
    return _PATH.fullmatch(path) is not None


def below(folder: str) -> str:
    """Return what the path of everything below *folder* begins with, and of nothing else."""
    return folder if folder == ROOT else f"{folder}/"
