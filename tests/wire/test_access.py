import asyncio
import logging

import pytest

from app.auth.contracts import Action
from tests.support.pushes import begin, push_blob, sha256
from tests.support.running import configuration, running

D = sha256(b"blob")
PULL, PUSH, DELETE = {Action.PULL}, {Action.PULL, Action.PUSH}, {Action.DELETE}


class Rules:
    """Allows what is in *allowed*, and notes what it was asked."""

    def __init__(self, allowed=()):
        self.allowed, self.asked = set(allowed), []

    async def allows(self, principal, access, /):
        self.asked.append((principal, [(one.repository, one.action) for one in access]))
        return all((one.repository, one.action) in self.allowed for one in access)


@pytest.mark.parametrize(
    ("method", "target", "actions"),
    [
        ("GET", "/v2/", set()),
        ("GET", "/v2/_oci/ext/discover", set()),
        ("GET", "/v2/a/b/tags/list", PULL),
        ("HEAD", "/v2/a/b/tags/list", PULL),
        ("GET", f"/v2/a/b/referrers/{D}", PULL),
        ("GET", "/v2/a/b/manifests/v1", PULL),
        ("HEAD", f"/v2/a/b/manifests/{D}", PULL),
        ("PUT", "/v2/a/b/manifests/v1", PUSH),
        ("DELETE", "/v2/a/b/manifests/v1", DELETE),
        ("DELETE", f"/v2/a/b/manifests/{D}", DELETE),
        ("GET", f"/v2/a/b/blobs/{D}", PULL),
        ("HEAD", f"/v2/a/b/blobs/{D}", PULL),
        ("DELETE", f"/v2/a/b/blobs/{D}", DELETE),
        ("POST", "/v2/a/b/blobs/uploads/", PUSH),
        ("GET", "/v2/a/b/blobs/uploads/x", PUSH),
        ("PATCH", "/v2/a/b/blobs/uploads/x", PUSH),
        ("PUT", "/v2/a/b/blobs/uploads/x", PUSH),
        ("DELETE", "/v2/a/b/blobs/uploads/x", PUSH),
    ],
)
async def test_every_route_asks_for_its_access_before_anything_else(tmp_path, method, target, actions):
    rules = Rules()
    async with running(configuration("inmemory", tmp_path), authorizer=rules) as wire:
        answer = await wire(method, target, body=b"x" if method in {"PUT", "POST", "PATCH"} else None)
    assert len(rules.asked) == 1
    assert {action for _, action in rules.asked[0][1]} == actions
    assert {name for name, _ in rules.asked[0][1]} <= {"a/b"}
    if actions:
        assert answer.status == 401
        assert method == "HEAD" or answer.codes == ["UNAUTHORIZED"]


async def test_the_catalog_is_an_access_of_its_own(tmp_path):
    rules = Rules()
    async with running(configuration("inmemory", tmp_path), authorizer=rules) as wire:
        assert (await wire("GET", "/v2/_catalog")).status == 401
    assert rules.asked[0][1] == [(None, Action.CATALOG)]


async def test_probes_and_preflights_ask_nobody(tmp_path):
    rules = Rules()
    async with running(configuration("inmemory", tmp_path), authorizer=rules) as wire:
        assert (await wire("GET", "/")).status == 200
        assert (await wire("OPTIONS", "/v2/a/manifests/x")).status == 204
    assert rules.asked == []


async def test_a_refusal_is_alike_for_what_exists_and_what_does_not(tmp_path):
    rules = Rules({("a", Action.PULL), ("a", Action.PUSH)})
    async with running(configuration("inmemory", tmp_path), authorizer=rules) as wire:
        await push_blob(wire, "a", b"blob")
        rules.allowed.clear()
        answers = [await wire("GET", f"/v2/a/blobs/{digest}", ("X-Request-ID", "1")) for digest in [D, sha256(b"none")]]
    assert [(one.status, one.body) for one in answers] == [(401, answers[0].body)] * 2
    assert {(name, value) for one in answers for name, value in one.headers.items() if name != "Date"} == {
        (name, value) for name, value in answers[0].headers.items() if name != "Date"
    }


@pytest.mark.parametrize("source", ["&from=private", ""])
async def test_who_may_not_pull_from_the_source_gets_an_upload_and_no_blob(tmp_path, source):
    mine = {("mine", Action.PULL), ("mine", Action.PUSH)}
    rules = Rules(mine | {("private", Action.PULL), ("private", Action.PUSH)})
    async with running(configuration("inmemory", tmp_path), authorizer=rules) as wire:
        digest = await push_blob(wire, "private", b"secret")
        rules.allowed = mine
        answer = await wire("POST", f"/v2/mine/blobs/uploads/?mount={digest}{source}", body=b"")
        missing = await wire("POST", f"/v2/mine/blobs/uploads/?mount={sha256(b'none')}{source}", body=b"")
        assert (answer.status, missing.status) == (202, 202)
        assert set(answer.headers) == set(missing.headers)
        assert (await wire("HEAD", f"/v2/mine/blobs/{digest}")).status == 404
        wrong = await wire("PUT", f"{answer.location}&digest={digest}", body=b"not the secret")
        assert (wrong.status, wrong.codes) == (400, ["DIGEST_INVALID"])


async def test_a_defect_of_ours_is_a_500_that_tells_nothing_and_a_traceback_in_the_log(tmp_path, caplog):
    class Broken:
        async def allows(self, principal, access, /):
            raise RuntimeError("inner secret")

    async with running(configuration("inmemory", tmp_path), authorizer=Broken()) as wire:
        answer = await wire("GET", "/v2/", ("X-Request-ID", "the-one"))
    assert (answer.status, answer.codes) == (500, ["UNKNOWN"])
    assert b"secret" not in answer.body
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "the-one" in record.getMessage()
    assert record.exc_info


async def test_a_body_is_asked_for_only_after_the_access_was_granted(tmp_path):
    async with running(configuration("inmemory", tmp_path), authorizer=Rules()) as wire:
        answer = await wire(
            "PUT", "/v2/a/manifests/v1", ("Expect", "100-continue"), ("Content-Length", "1000000000"), body=None
        )
    assert (answer.status, answer.headers["Connection"]) == (401, "close")


async def test_twenty_four_clients_push_to_one_repository_at_once(wire):
    async def push(number):
        content = bytes([number]) * 200_000
        location = await begin(wire, "busy")
        location = (await wire("PATCH", location, body=content)).location
        answer = await wire("PUT", f"{location}&digest={sha256(content)}", body=b"")
        assert answer.status == 201
        return sha256(content)

    digests = await asyncio.gather(*(push(number) for number in range(24)))
    for digest in digests:
        assert (await wire("HEAD", f"/v2/busy/blobs/{digest}")).status == 200
