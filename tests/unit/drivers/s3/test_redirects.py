from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials

from drivers.errors import InvalidPath, Unavailable
from drivers.s3 import S3Settings
from drivers.s3.connection import connect
from drivers.s3.redirects import Grant, Redirects
from drivers.s3.sigv4 import Credentials, Presigner

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class Keys:
    def __init__(self, ends=None):
        self.grant = Grant(Credentials("access", "secret", "token"), ends)

    async def __call__(self):
        return self.grant


@pytest.mark.parametrize("token", ["", "a/token+of=signs"])
@pytest.mark.parametrize("key", ["plain", "docker/registry/v2/blobs/sha256/ab/abcdef/data", "root with spaces & ü/a~b"])
@pytest.mark.parametrize("base", ["https://bucket.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000/bucket"])
def test_a_signature_is_the_one_that_the_sdk_makes(base, key, token):
    url = Presigner("eu-west-1").presign(
        base, key, Credentials("AKID", "secret", token), now=datetime.now(UTC), seconds=1200
    )
    address = urlsplit(url)
    stamp = parse_qs(address.query)["X-Amz-Date"][0]

    request = AWSRequest(method="GET", url=f"{address.scheme}://{address.netloc}{address.path}")
    request.context["timestamp"] = stamp
    theirs = S3SigV4QueryAuth(TheirCredentials("AKID", "secret", token or None), "s3", "eu-west-1", expires=1200)
    theirs._modify_request_before_signing(request)
    signed = theirs.canonical_request(request)
    signature = theirs.signature(theirs.string_to_sign(request, signed), request)
    assert parse_qs(address.query)["X-Amz-Signature"] == [signature]


async def test_a_url_is_the_same_until_half_of_its_life():
    clock = Clock()
    redirects = Redirects("https://host/bucket", Presigner("r"), Keys(), seconds=1200, now=clock)
    first = await redirects.url("key")
    clock.now = NOON + timedelta(seconds=599)
    assert await redirects.url("key") == first
    assert await redirects.url("other") != first
    clock.now = NOON + timedelta(seconds=600)
    assert await redirects.url("key") != first


async def test_a_url_does_not_outlive_the_credentials():
    clock = Clock()
    keys = Keys(ends=NOON + timedelta(seconds=100))
    redirects = Redirects("https://host/bucket", Presigner("r"), keys, seconds=1200, now=clock)
    assert parse_qs(urlsplit(await redirects.url("key")).query)["X-Amz-Expires"] == ["100"]
    clock.now = NOON + timedelta(seconds=100)
    with pytest.raises(Unavailable):
        await redirects.url("key")


async def test_new_credentials_make_a_new_url():
    keys = Keys()
    redirects = Redirects("https://host/bucket", Presigner("r"), keys, seconds=1200, now=Clock())
    first = await redirects.url("key")
    keys.grant = Grant(Credentials("other", "secret"))
    assert await redirects.url("key") != first


async def test_the_key_of_yesterday_is_not_used_today():
    presigner, credentials = Presigner("r"), Credentials("a", "s")
    tomorrow = NOON + timedelta(days=1)
    presigner.presign("https://h", "k", credentials, now=NOON, seconds=60)
    fresh = Presigner("r").presign("https://h", "k", credentials, now=tomorrow, seconds=60)
    assert presigner.presign("https://h", "k", credentials, now=tomorrow, seconds=60) == fresh


@pytest.mark.asyncio(loop_scope="session")
class TestOnARealStore:
    async def test_the_url_reads_the_file_and_ranges_of_it(self, driver):
        await driver.put("/folder/file", b"content")
        url = await driver.redirect_url("/folder/file")
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as answer:
                assert (answer.status, await answer.read()) == (200, b"content")
            async with session.get(url, headers={"Range": "bytes=2-3"}) as answer:
                assert (answer.status, await answer.read()) == (206, b"nt")

    async def test_a_url_is_good_for_nothing_else(self, driver, store):
        if store.name == "moto":
            pytest.skip("moto checks no signature")
        await driver.put("/file", b"content")
        await driver.put("/secret", b"content")
        url = await driver.redirect_url("/file")
        async with aiohttp.ClientSession() as session:
            for method, tampered in (
                ("GET", url.replace("/file?", "/secret?")),
                ("GET", url[:-1] + ("0" if url[-1] != "0" else "1")),
                ("PUT", url),
                ("DELETE", url),
            ):
                async with session.request(method, tampered) as answer:
                    assert answer.status == 403

    async def test_it_is_made_for_a_file_that_is_not_there(self, driver):
        async with aiohttp.ClientSession() as session, session.get(await driver.redirect_url("/absent")) as answer:
            assert answer.status == 404

    async def test_a_path_is_checked(self, driver):
        with pytest.raises(InvalidPath):
            await driver.redirect_url("/a/../b")


@pytest.mark.parametrize(
    ("changed", "public"),
    [
        ({"regionendpoint": "http://store:9000"}, "http://store:9000/registry"),
        ({"regionendpoint": "store:9000", "secure": False}, "http://store:9000/registry"),
        ({"regionendpoint": "https://store", "forcepathstyle": False}, "https://registry.store"),
        ({"regionendpoint": "http://store", "redirectendpoint": "https://public"}, "https://public/registry"),
        ({"region": "eu-west-1"}, "https://registry.s3.eu-west-1.amazonaws.com"),
        ({"region": "eu-west-1", "forcepathstyle": True}, "https://s3.eu-west-1.amazonaws.com/registry"),
        ({"region": "eu-west-1", "usedualstack": True}, "https://registry.s3.dualstack.eu-west-1.amazonaws.com"),
        ({"region": "eu-west-1", "accelerate": True}, "https://registry.s3-accelerate.amazonaws.com"),
    ],
)
async def test_clients_are_sent_to_where_the_settings_say(changed, public):
    settings = S3Settings(**{"bucket": "registry", "accesskey": "a", "secretkey": "s", **changed})
    async with connect(settings) as connection:
        assert connection.public == public
