import pytest

from app.registry.recent import Recent


def test_what_nobody_asked_for_longest_is_forgotten_first():
    recent = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert "b" not in recent
    assert recent.get("a") == 1
    assert recent.get("c") == 3


def test_what_is_forgotten_raises():
    with pytest.raises(KeyError):
        Recent(2).get("a")


def test_the_weights_of_all_values_stay_within_the_room():
    recent = Recent(10, len)
    recent.put("a", b"1234")
    recent.put("b", b"1234")
    recent.put("a", b"123456")
    assert (len(recent), "b" in recent) == (2, True)
    recent.put("c", b"1")
    assert ("b" in recent, "a" in recent, "c" in recent) == (False, True, True)


def test_what_is_too_heavy_alone_is_not_kept_and_replaces_what_was():
    recent = Recent(3, len)
    recent.put("a", b"1")
    recent.put("a", b"12345")
    assert "a" not in recent
    recent.put("b", b"123")
    assert recent.get("b") == b"123"


def test_what_is_dropped_makes_room():
    recent = Recent(3, len)
    recent.put("a", b"12")
    recent.drop("a")
    recent.drop("never")
    recent.put("b", b"123")
    assert recent.get("b") == b"123"
