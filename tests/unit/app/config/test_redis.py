"""The section `redis` as files write it: of version 2, of version 3, and by a URL."""

import msgspec
import pytest

from app.config.load import ConfigurationError, load
from app.config.redis import Redis, RedisTLS, broken, in_parts
from app.config.schema import Reader
from app.config.units import Duration, Secret


def section(**tree):
    reader = Reader()
    read = reader.read(Redis, tree)
    assert (reader.problems, reader.unknown) == ([], [])
    return read


def test_a_section_of_version_2_is_understood():
    read = section(
        addr="localhost:6379",
        password="asecret",
        db="2",
        dialtimeout="10ms",
        readtimeout="20ms",
        writetimeout="30ms",
        pool={"maxidle": "16", "maxactive": "64", "idletimeout": "300s"},
        tls={"enabled": "false"},
    )
    assert list(broken(read)) == []
    assert (read.servers, read.password, read.db, read.connections) == (("localhost:6379",), Secret("asecret"), 2, 64)
    assert (read.dialtimeout, read.readtimeout, read.writetimeout) == (0.01, 0.02, 0.03)
    assert not read.tls.on


def test_a_section_of_version_3_is_understood():
    read = section(
        addrs=["one:26379", "[::1]:26379"],
        username="someone",
        password="asecret",
        mastername="main",
        sentinelusername="watcher",
        sentinelpassword="another",
        db="1",
        poolsize="50",
        maxretries="-1",
        maxidleconns="5",
        connmaxidletime="1h",
        tls={"rootcas": ["/etc/ca.pem"]},
    )
    assert list(broken(read)) == []
    assert (read.servers, read.mastername, read.connections) == (("one:26379", "[::1]:26379"), "main", 50)
    assert (read.sentinelusername, read.sentinelpassword) == ("watcher", Secret("another"))
    assert read.tls.on


@pytest.mark.parametrize(
    ("tls", "on"),
    [
        ({}, False),
        ({"enabled": "true"}, True),
        ({"certificate": "/c", "key": "/k"}, True),
        ({"rootcas": ["/ca"], "enabled": "false"}, False),
    ],
)
def test_tls_is_on_when_a_key_of_it_is_there_unless_it_is_said(tls, on):
    assert section(addr="a:1", tls=tls).tls.on is on


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", Redis(addr="cache:6379", tls=RedisTLS(enabled=False))),
        (
            "rediss://me:p%40ss@cache.example.com:7000/3",
            Redis(
                addr="cache.example.com:7000",
                username="me",
                password=Secret("p@ss"),
                db=3,
                tls=RedisTLS(enabled=True),
            ),
        ),
        ("redis://:word@[::1]:1/", Redis(addr="[::1]:1", password=Secret("word"), tls=RedisTLS(enabled=False))),
    ],
)
def test_a_url_stands_for_the_keys_of_distribution(url, expected):
    read = section(url=url)
    assert list(broken(read)) == []
    assert in_parts(read) == expected
    assert list(broken(in_parts(read))) == []


def test_a_url_leaves_the_other_keys_as_they_are():
    read = in_parts(section(url="rediss://cache", poolsize="7", dialtimeout="1s", tls={"rootcas": ["/ca"]}))
    assert (read.poolsize, read.dialtimeout, read.tls.rootcas) == (7, Duration(1), ("/ca",))


def test_a_section_without_a_url_is_in_parts_already():
    read = section(addr="cache:6379")
    assert in_parts(read) is read


@pytest.mark.parametrize(
    "url",
    [
        "cache:6379",
        "http://cache",
        "redis://",
        "redis://hunter2@:6379",
        "redis://hunter2@cache:99999",
        "redis://hunter2@cache:port",
        "redis://hunter2@cache/name",
        "redis://hunter2@cache/1/2",
        "redis://hunter2@cache?db=1",
        "redis://[hunter2",
    ],
)
def test_what_is_no_url_of_a_redis_is_said_without_its_password(url):
    (sentence,) = broken(section(url=url))
    assert sentence.startswith("redis.url: is no URL of a Redis")
    assert "hunter2" not in sentence


@pytest.mark.parametrize(
    ("said", "tree"),
    [
        ("no server is named", {}),
        ("addr and addrs are there", {"addr": "a:1", "addrs": ["b:1"]}),
        ("'cache' is no address", {"addr": "cache"}),
        ("'cache:0' is no address", {"addr": "cache:0"}),
        ("':6379' is no address", {"addrs": ["a:1", ":6379"]}),
        ("a cluster has database 0 only", {"addrs": ["a:1", "b:1"], "db": "1"}),
        ("certificate and key go together", {"addr": "a:1", "tls": {"certificate": "/c"}}),
        ("says all there is to say, addr and db too", {"url": "redis://cache", "addr": "a:1", "db": "1"}),
        ("redis.tls says otherwise", {"url": "redis://cache", "tls": {"enabled": "true"}}),
        ("redis.tls says otherwise", {"url": "redis://cache", "tls": {"rootcas": ["/ca"]}}),
        ("redis.tls says otherwise", {"url": "rediss://cache", "tls": {"enabled": "false"}}),
        ("redis.readonly: replicas of a Redis lag behind", {"addr": "a:1", "readonly": "true"}),
        ("redis.routebylatency: replicas", {"addr": "a:1", "routebylatency": "true"}),
        ("redis.routerandomly: replicas", {"addr": "a:1", "routerandomly": "true"}),
    ],
)
def test_what_does_not_fit_together_is_said_in_a_sentence(said, tree):
    (sentence,) = broken(section(**tree))
    assert said in sentence


def test_no_secret_is_shown():
    shown = repr(section(url="redis://:hunter2@cache", password="hunter2", sentinelpassword="hunter2"))
    assert "hunter2" not in shown


def test_a_number_below_0_is_refused():
    reader = Reader()
    reader.read(Redis, {"addr": "a:1", "db": "-1", "poolsize": "-1"})
    assert len(reader.problems) == 2


def test_the_section_is_refused_as_long_as_nothing_serves_it():
    with pytest.raises(ConfigurationError, match="redis: not served"):
        load(None, {"REGISTRY_REDIS_ADDR": "cache:6379"})


def test_its_keys_are_spelt_as_in_distribution():
    assert all(name == name.lower() for name in msgspec.structs.asdict(Redis()))
