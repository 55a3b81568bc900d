"""What an operator is told of a store: what it can do, in a finding each, and nothing of the trial is left."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

import pytest

from drivers.errors import Unavailable
from drivers.s3 import open_driver
from drivers.s3.survey import survey
from tests.contracts.samples import paths
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANT = {
    "moto": {
        "copy a certain version only (x-amz-copy-source-if-match)",
        "refuse a presigned GET that is expired",
        "refuse a presigned GET that is future-dated",
        "refuse a presigned GET that is tampered",
    },
    "versitygw": {"conditional DELETE (If-Match)", "refuse a presigned GET that is future-dated"},
}


@pytest.fixture
def behind(settings, proxy):
    """The settings of a store that can be made to fail."""
    return replace(settings, regionendpoint=proxy.store.endpoint, retrybudget=0)


@pytest.fixture
def usual(store):
    """What the store can't do anyway."""
    return CANT[store.name]


async def found(settings):
    async with aclosing(survey(settings)) as findings:
        return [finding async for finding in findings]


def lacking(findings):
    return {finding.what for finding in findings if not finding.holds}


async def test_a_store_is_told_as_it_is_and_left_as_it_was(settings, driver, uploads, usual):
    await driver.put("/file", b"mine")
    findings = await found(settings)
    assert lacking(findings) == usual
    assert not [finding for finding in findings if finding.needed and not finding.holds]
    assert len(findings) == 19
    assert await paths(driver, "/") == ["/file"]
    assert await uploads() == []


async def test_the_start_of_a_server_asks_seven_times_at_most(behind, proxy):
    async with open_driver(behind):
        assert len(proxy.taken()) <= 7


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AccessDenied", 403, "the credentials do not allow this request (AccessDenied to PutObject)"),
        ("NoSuchBucket", 404, "there is no such bucket (NoSuchBucket to PutObject)"),
        ("RequestTimeTooSkewed", 403, "the clocks of this machine and of the store differ too much"),
    ],
)
async def test_a_store_that_takes_nothing_is_one_finding_in_plain_words(behind, proxy, code, status, words):
    proxy.plan = lambda _verb, _number: Fault(Harm.REFUSE, status, code)
    (finding,) = await found(behind)
    assert (finding.what, finding.holds, finding.needed) == ("write a file", False, True)
    assert words in finding.follows


@pytest.mark.parametrize("fault", [Fault(Harm.RESET), Fault(Harm.REFUSE, 503, "SlowDown")])
async def test_a_store_that_cant_be_reached_is_an_error(behind, proxy, fault):
    proxy.plan = lambda _verb, _number: fault
    with pytest.raises(Unavailable):
        await found(behind)


@pytest.mark.parametrize(
    ("verb", "fault", "more", "needed"),
    [
        ("DeleteObjects", Fault(Harm.REFUSE, 501, "NotImplemented"), {"delete several files at once"}, False),
        ("UploadPartCopy", Fault(Harm.REFUSE, 501, "NotImplemented"), {"copy a file as a part of another"}, True),
        ("ListMultipartUploads", Fault(Harm.REFUSE, 403, "AccessDenied"), {"list and abort multipart uploads"}, False),
        ("ListObjects", Fault(Harm.REFUSE, 500, "InternalError"), {"list it as soon as it is written"}, True),
    ],
)
async def test_what_the_store_refuses_is_a_finding_and_the_others_are_found_out(
    behind, proxy, usual, verb, fault, more, needed
):
    proxy.plan = lambda name, _: fault if name == verb else None
    findings = await found(behind)
    assert lacking(findings) == usual | more
    assert any(finding.needed for finding in findings if finding.what in more) == needed


async def test_an_address_that_clients_cant_reach_is_said(settings):
    findings = await found(replace(settings, redirectendpoint="http://127.0.0.1:1"))
    (finding,) = [finding for finding in findings if "presigned" in finding.what]
    assert (finding.what, finding.holds) == ("presigned GET, at 127.0.0.1:1", False)
    assert "redirectendpoint" in finding.follows
