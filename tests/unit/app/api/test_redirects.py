import re
from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from app.api.redirects import RedirectRules

LARGE = 1 << 20
NEAR = RedirectRules(
    clients=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")), not_clients=(ip_network("10.9.0.0/16"),)
)


def allows(rules, remote="192.0.2.1", size=LARGE, **headers):
    return rules.allow(size, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), remote)


def test_only_blobs_above_the_threshold_are_sent_elsewhere():
    rules = RedirectRules(above=100)
    assert [allows(rules, size=size) for size in (0, 100, 101)] == [False, False, True]


def test_a_request_whose_condition_the_backend_would_not_understand_stays_here():
    assert not allows(RedirectRules(), If_Match='"x"')
    assert not allows(RedirectRules(), If_Range='"x"', Range="bytes=0-5")
    assert allows(RedirectRules(), If_None_Match='"x"')


def test_parts_of_blobs_stay_here_if_the_rules_say_so():
    assert allows(RedirectRules(), Range="bytes=0-5")
    assert not allows(RedirectRules(ranges=False), Range="bytes=0-5")
    assert allows(RedirectRules(ranges=False))


@pytest.mark.parametrize(
    ("remote", "sent"),
    [
        ("10.1.2.3", True),
        ("10.9.2.3", False),
        ("192.0.2.1", False),
        ("fd00::1", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_clients_are_told_apart_by_their_networks(remote, sent):
    assert allows(NEAR, remote) is sent


@pytest.mark.parametrize(
    ("header", "value", "sent"),
    [
        ("X-Forwarded-For", "10.1.2.3", True),
        ("X-Forwarded-For", "10.1.2.3, 192.0.2.9", True),
        ("X-Forwarded-For", "192.0.2.9, 10.1.2.3", False),
        ("Forwarded", "for=10.1.2.3;proto=https", True),
        ("Forwarded", 'for="10.1.2.3:4711"', True),
        ("Forwarded", 'for="[fd00::1]:4711"', True),
        ("Forwarded", "for=unknown", False),
        ("X-Forwarded-For", "fd00::1", True),
    ],
)
def test_the_client_is_who_the_outermost_proxy_says(header, value, sent):
    assert NEAR.allow(LARGE, CIMultiDict({header: value}), "192.0.2.1") is sent


def test_without_a_list_of_clients_only_those_that_are_named_stay_here():
    rules = RedirectRules(not_clients=(ip_network("10.0.0.0/8"),))
    assert [allows(rules, remote) for remote in ("10.1.2.3", "192.0.2.1", "")] == [False, True, True]


def test_user_agents_are_told_apart_by_patterns():
    rules = RedirectRules(agents=(re.compile("^docker/"),), not_agents=(re.compile(r"kernel/3\."),))
    assert allows(rules, User_Agent="docker/27 kernel/6.1")
    assert not allows(rules, User_Agent="docker/27 kernel/3.10")
    assert not allows(rules, User_Agent="curl/8")
    assert not allows(rules)
