"""No replica answers from before a delete, in every order of events, and each rule of the protocol is needed."""

from __future__ import annotations

import pytest

from tests.support.cache_model import STALE, explore
from tests.support.cache_world import Rules, Scene

WIDE = ((0, "layer"), (0, "manifest"), (1, "layer"))
CUT_OFF = Scene(cut_off=True, evicts=True)
PAUSES = Scene(cut_off=True, pauses=True, replicas=1)
LATE_POLL = Scene(cut_off=True, slow_poll=True, requests=1)
RESTARTS = Scene(cut_off=True, restarts=True, requests=1)
CRASHES = Scene(cut_off=True, crashes=True, other_program=True, requests=1)
OLD_SNAPSHOT = Scene(crashes=True, restarts=True, replicas=1, requests=1)
TWO_MASTERS = Scene(two_masters=True, requests=1)
MANY_LINKS = Scene(keys=WIDE, evicts=True, replicas=1)

SCENES = {
    "Redis can't be reached and evicts": CUT_OFF,
    "replicas pause after an answer of Redis": PAUSES,
    "a poll is answered late": LATE_POLL,
    "Redis restarts, empty or with an old snapshot": RESTARTS,
    "replicas die, and another program deletes while none is up": CRASHES,
    "an old snapshot is loaded while all replicas restart": OLD_SNAPSHOT,
    "there are two masters": TWO_MASTERS,
    "two kinds of link, two repositories": MANY_LINKS,
}
LONG_SCENES = {
    "all at once on the way to Redis": Scene(cut_off=True, evicts=True, pauses=True),
    "a poll is answered late, two requests": Scene(cut_off=True, evicts=True, slow_poll=True),
    "Redis restarts, two requests": Scene(cut_off=True, restarts=True),
    "replicas die, two requests": Scene(cut_off=True, crashes=True, other_program=True),
    "an old snapshot, two requests": Scene(crashes=True, restarts=True, replicas=1),
    "two masters, two requests": Scene(two_masters=True),
}


def violation(rules: Rules, scene: Scene) -> str:
    found = explore(rules, scene)
    return f"{found.wrong}: {' · '.join(found.trace)}" if found.wrong else ""


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES.keys())
def test_the_protocol_holds(scene):
    assert violation(Rules(), scene) == ""


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scene", LONG_SCENES.values(), ids=LONG_SCENES.keys())
def test_the_protocol_holds_in_larger_scenes(scene):
    assert violation(Rules(), scene) == ""


def test_removing_the_membership_itself_only_frees_memory():
    assert violation(Rules(drops_member=False), RESTARTS) == ""


# Every other rule, left out. A test here that no longer finds anything says that a rule is not needed, or no longer
# modelled.


@pytest.mark.parametrize(
    ("scene", "rules"),
    [
        (CUT_OFF, Rules(backend_first=False)),
        (CUT_OFF, Rules(tells_when_absent=False)),
        (CUT_OFF, Rules(drops_generation=False)),
        (CUT_OFF, Rules(compares_generation=False, drops_member=False)),
        (CUT_OFF, Rules(compares_epoch=False)),
        (CUT_OFF, Rules(guarded_fill=False)),
        (CUT_OFF, Rules(generation_first=False)),
        (CUT_OFF, Rules(random_generation=False)),
        (CUT_OFF, Rules(epoch_first=False)),
        (CUT_OFF, Rules(lease_ends=False)),
        (CUT_OFF, Rules(new_epoch=False)),
        (CUT_OFF, Rules(delete_waits=False)),
        (LATE_POLL, Rules(lease_from_sending=False)),
        (RESTARTS, Rules(compares_identity=False)),
        (CRASHES, Rules(start_needs_peer=False)),
        (TWO_MASTERS, Rules(delete_looks_again=False)),
        (TWO_MASTERS, Rules(trusts_none=False)),
        (TWO_MASTERS, Rules(trust_waits=False)),
        (MANY_LINKS, Rules(kind_in_key=False)),
        (MANY_LINKS, Rules(repository_in_key=False, compares_generation=False)),
        (MANY_LINKS, Rules(size_is_no_access=False)),
    ],
    ids=lambda value: (
        " and ".join(name for name in Rules.__slots__ if not getattr(value, name)) if isinstance(value, Rules) else ""
    ),
)
def test_without_the_rule_an_answer_is_stale(scene, rules):
    assert violation(rules, scene).startswith(STALE)


def test_a_redis_that_came_back_under_its_old_identity_could_not_be_told():
    scene = Scene(cut_off=True, restarts=True, same_identity=True, requests=1)
    assert violation(Rules(), scene).startswith(STALE)
