"""The breaker: who may ask, and when."""

from __future__ import annotations

import pytest

from cache.breaker import Breaker


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(failures=2, rest=1, longest=4, trial=0.5, clock=clock)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.failed()


def test_a_single_failure_does_not_open_it(breaker):
    fail(breaker)
    assert breaker.admits()
    assert not breaker.open


def test_failures_with_a_success_between_do_not_open_it(breaker):
    fail(breaker)
    breaker.succeeded()
    fail(breaker)
    assert breaker.admits()


def test_failures_in_a_row_open_it_for_a_while(breaker, clock):
    fail(breaker, 2)
    assert breaker.open
    clock.now += 0.99
    assert not breaker.admits()
    clock.now += 0.02
    assert breaker.admits()


def test_after_the_rest_only_one_tries(breaker, clock):
    fail(breaker, 2)
    clock.now += 1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_a_successful_trial_closes_it_for_all(breaker, clock):
    fail(breaker, 2)
    clock.now += 1
    breaker.admits()
    breaker.succeeded()
    assert not breaker.open
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_each_failed_trial_doubles_the_rest_up_to_the_longest(breaker, clock):
    fail(breaker, 2)
    for rest in (1, 2, 4, 4):
        clock.now += rest - 0.01
        assert not breaker.admits()
        clock.now += 0.01
        assert breaker.admits()
        fail(breaker)


def test_after_a_success_the_first_rest_is_short_again(breaker, clock):
    fail(breaker, 2)
    clock.now += 1
    breaker.admits()
    fail(breaker)
    clock.now += 2
    breaker.admits()
    breaker.succeeded()
    fail(breaker, 2)
    clock.now += 1
    assert breaker.admits()


def test_a_trial_that_was_never_heard_of_again_does_not_keep_it_open_for_ever(breaker, clock):
    fail(breaker, 2)
    clock.now += 1
    assert breaker.admits()
    clock.now += 0.5
    assert breaker.admits()


def test_failures_of_what_was_asked_before_it_opened_do_not_lengthen_the_rest(breaker, clock):
    fail(breaker, 20)
    clock.now += 1
    assert breaker.admits()
