"""The upload protocol holds in every order of events, and each of its rules is needed."""

from __future__ import annotations

import pytest

from tests.support.upload_model import explore
from tests.support.upload_world import Budget, Kind, Rules, Scene

OBJECTS = (Kind.CREATE_ONLY, Kind.PLAIN)
TWO_PATCHES = Scene(Budget(patches=2, puts=1))
TWO_PATCHES_LAST_CHUNK = Scene(Budget(patches=2, puts=1), last_chunk=True)
TWO_OF_EACH = Scene(Budget(patches=2, puts=2))
CANCELLED = Scene(Budget(patches=1, puts=2, cancels=1), last_chunk=True)
TWO_CANCELS = Scene(Budget(patches=1, puts=1, cancels=2))
PUSHED_ELSEWHERE = Scene(Budget(patches=1, puts=2, others=1), last_chunk=True)
PURGED = Scene(Budget(patches=1, puts=1, cancels=1, purges=1))
HASTILY_PURGED = Scene(Budget(patches=1, puts=1, cancels=1, purges=1), hasty_purge=True)
PURGED_AND_CONTINUED = Scene(Budget(patches=2, purges=1), hasty_purge=True, tail=False)
PURGED_TWICE = Scene(Budget(patches=1, purges=2), hasty_purge=True)
POWER_CUT = Scene(Budget(patches=2, puts=1, power_cuts=1))

SCENES = {
    "two PATCHes and a PUT": TWO_PATCHES_LAST_CHUNK,
    "two PATCHes and two PUTs": TWO_OF_EACH,
    "two PUTs and a cancel": CANCELLED,
    "two cancels": TWO_CANCELS,
    "the same content pushed elsewhere": PUSHED_ELSEWHERE,
    "a purge": PURGED,
    "a purge of a session in use": HASTILY_PURGED,
    "a purge of a session that goes on": PURGED_AND_CONTINUED,
    "two purges at once of a session in use": PURGED_TWICE,
}
LONG_SCENES = {
    "two PATCHes that leave pieces, two purges": Scene(Budget(patches=2, purges=2), hasty_purge=True, tail=False),
    "three PATCHes that leave pieces, a purge": Scene(Budget(patches=3, purges=1), hasty_purge=True, tail=False),
    "two PATCHes, two PUTs, last chunks": Scene(Budget(patches=2, puts=2), last_chunk=True),
    "two PATCHes, a PUT, a cancel": Scene(Budget(patches=2, puts=1, cancels=1)),
    "two PATCHes, a PUT, a purge of a session in use": Scene(Budget(patches=2, puts=1, purges=1), hasty_purge=True),
    "two PATCHes, a PUT, pushed elsewhere": Scene(Budget(patches=2, puts=1, others=1)),
    "three PATCHes that leave pieces": Scene(Budget(patches=3, puts=1), tail=False),
    "three PATCHes that leave tails": Scene(Budget(patches=3, puts=1), piece=False),
}


def violation(kind: Kind, rules: Rules, scene: Scene) -> str:
    found = explore(kind, rules, scene).violation
    return "" if found is None else f"{found.what}: {' · '.join(found.trace)}"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_the_protocol_holds(kind, scene):
    assert violation(kind, Rules(), scene) == ""


def test_the_protocol_holds_on_disk_through_a_power_cut():
    assert violation(Kind.DISK, Rules(), POWER_CUT) == ""


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("scene", LONG_SCENES.values(), ids=LONG_SCENES.keys())
def test_the_protocol_holds_in_larger_scenes(kind, scene):
    assert violation(kind, Rules(), scene) == ""


# Every rule, left out. A test here that no longer finds anything says that a rule is not needed, or no longer modelled.


@pytest.mark.parametrize("kind", [Kind.CREATE_ONLY, Kind.DISK])
def test_without_create_only_records_two_patches_win(kind):
    assert "two winners" in violation(kind, Rules(create_only=False), TWO_PATCHES)


@pytest.mark.parametrize("kind", Kind)
def test_without_unique_names_a_loser_takes_the_winners_piece_away(kind):
    assert "bytes lost" in violation(kind, Rules(unique_pieces=False), TWO_PATCHES)


@pytest.mark.parametrize("kind", OBJECTS)
def test_without_unique_names_and_versions_wrong_bytes_are_published(kind):
    assert "wrong bytes" in violation(kind, Rules(unique_pieces=False, versions=False), TWO_PATCHES)


def test_a_piece_cut_by_somebody_is_published_when_its_length_is_not_checked():
    assert "wrong bytes" in violation(Kind.DISK, Rules(next_absent=False, versions=False), TWO_OF_EACH)


@pytest.mark.parametrize(("kind", "scene"), [(Kind.CREATE_ONLY, TWO_OF_EACH), (Kind.DISK, POWER_CUT)])
def test_without_the_nonce_in_the_location_another_sessions_bytes_are_published(kind, scene):
    assert "other bytes" in violation(kind, Rules(bound_nonce=False), scene)


def test_with_the_hash_in_the_location_wrong_bytes_are_published():
    rules = Rules(bound_nonce=False, hash_in_record=False)
    assert "wrong bytes" in violation(Kind.CREATE_ONLY, rules, TWO_OF_EACH)


@pytest.mark.parametrize("kind", Kind)
def test_a_link_before_the_bytes_dangles(kind):
    assert "dangling link" in violation(kind, Rules(link_last=False), TWO_PATCHES)


@pytest.mark.parametrize("kind", Kind)
def test_who_does_not_know_his_own_record_again_deletes_his_own_piece(kind):
    assert "bytes lost" in violation(kind, Rules(own_record=False), TWO_PATCHES)


def test_without_a_look_at_the_final_place_a_repeated_put_loses_the_upload():
    assert "bytes lost" in violation(Kind.DISK, Rules(already_there=False), CANCELLED)


def test_without_the_lock_wrong_bytes_are_published():
    assert "wrong bytes" in violation(Kind.DISK, Rules(lock=False), TWO_PATCHES)


def test_a_lock_given_back_before_the_record_is_created_is_not_enough():
    assert "wrong bytes" in violation(Kind.DISK, Rules(held=False), TWO_PATCHES_LAST_CHUNK)


def test_without_a_look_at_the_next_record_acknowledged_bytes_are_cut_off():
    assert "bytes lost" in violation(Kind.DISK, Rules(next_absent=False), TWO_OF_EACH)


def test_bytes_are_added_to_a_published_blob_when_the_name_is_not_looked_at_again():
    assert "wrong bytes" in violation(Kind.DISK, Rules(same_file=False), TWO_PATCHES)


def test_what_a_dead_request_left_is_kept_when_nothing_is_cut_before_a_write():
    assert "wrong bytes" in violation(Kind.DISK, Rules(cut_before_write=False), TWO_PATCHES_LAST_CHUNK)


def test_what_a_dead_request_left_is_published_when_nothing_is_cut_before_that():
    assert "wrong bytes" in violation(Kind.DISK, Rules(cut_before_publish=False), TWO_PATCHES)


def test_records_from_before_a_power_cut_vouch_for_junk():
    assert "wrong bytes" in violation(Kind.DISK, Rules(boot=False), POWER_CUT)


@pytest.mark.parametrize("kind", [Kind.CREATE_ONLY, Kind.DISK])
def test_a_purge_that_does_not_close_a_session_leaves_half_of_it_to_who_goes_on(kind):
    assert "half a session" in violation(kind, Rules(purge_closes=False), PURGED_AND_CONTINUED)
