from __future__ import annotations

import pytest

from drivers.errors import InvalidPath
from drivers.paths import below, check_file, check_folder, is_name
from tests.contracts.samples import INVALID, VALID


@pytest.mark.parametrize("path", VALID)
def test_a_valid_path_passes(path):
    assert check_file(path) == path
    assert check_folder(path) == path


@pytest.mark.parametrize("path", INVALID)
def test_an_invalid_path_is_refused(path):
    with pytest.raises(InvalidPath):
        check_file(path)
    if path != "/":
        with pytest.raises(InvalidPath):
            check_folder(path)


def test_the_root_is_a_folder():
    assert check_folder("/") == "/"
    assert below("/") == "/"
    assert below("/a") == "/a/"


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a", True),
        ("..a", True),
        (".", False),
        ("..", False),
        ("a b", False),
        ("ä", False),
        ("a/b", False),
        ("", False),
        ("a\n", False),
    ],
)
def test_names_are_told_from_junk(name, valid):
    assert is_name(name) == valid
