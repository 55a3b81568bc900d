"""The store looks whether what arrives is what was sent: by the digest that it is told, also over plain HTTP."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest
import pytest_asyncio

from drivers.errors import PathNotFound, Unavailable
from drivers.s3 import open_driver
from tests.contracts.samples import MIB, read, write
from tests.support import s3stores
from tests.support.s3proxy import Fault, Harm

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def verifying(store):
    if store.name == "moto":
        pytest.skip("moto looks at no digest")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tls(tmp_path_factory):
    """A driver that speaks TLS."""
    with s3stores.versitygw(tmp_path_factory.mktemp("tls"), tls=True) as store:
        await store.create_bucket()
        async with open_driver(store.settings(skipverify=True, retrybudget=0)) as driver:
            yield driver


def sha256(content):
    return hashlib.sha256(content).hexdigest()


async def store_as(driver, path, content, digest):
    async with driver.writer(path, size=len(content)) as writer:
        for start in range(0, len(content), MIB):
            await writer.write(content[start : start + MIB])
        return await writer.commit(sha256=digest)


@pytest.mark.parametrize("size", [0, 1, MIB, 16 * MIB])
async def test_a_known_digest_is_what_the_store_is_told(behind, proxy, size):
    content = os.urandom(size)
    await store_as(behind, "/file", content, sha256(content))
    assert proxy.taken() == ["PutObject"]
    assert proxy.headers["x-amz-content-sha256"] == sha256(content)
    assert await read(behind, "/file") == content


@pytest.mark.parametrize("size", [10, 3 * MIB])
async def test_over_plain_http_everything_that_is_sent_has_its_digest(behind, proxy, size):
    content = os.urandom(size)
    await behind.put("/file", content)
    assert proxy.headers["x-amz-content-sha256"] == sha256(content)
    await write(behind, "/other", content)
    assert proxy.headers["x-amz-content-sha256"] == sha256(content)


@pytest.mark.usefixtures("verifying")
async def test_the_digest_is_taken_from_the_caller_and_the_store_refuses_another_content(settings):
    async with open_driver(replace(settings, retrybudget=0)) as driver:
        with pytest.raises(Unavailable, match="XAmzContentSHA256Mismatch"):
            await store_as(driver, "/file", b"content", sha256(b"other"))
        with pytest.raises(PathNotFound):
            await driver.get("/file")


@pytest.mark.usefixtures("verifying")
async def test_what_is_changed_on_the_way_is_refused_and_sent_again(behind, proxy):
    content = os.urandom(21 * MIB)
    for verb, size in (("PutObject", 3 * MIB), ("UploadPart", 21 * MIB)):
        left = [Fault(Harm.CORRUPT)]
        proxy.plan = lambda name, _, verb=verb, left=left: left.pop() if name == verb and left else None
        await store_as(behind, "/file", content[:size], sha256(content[:size]))
        assert left == []
        assert await read(behind, "/file") == content[:size]


@pytest.mark.usefixtures("verifying")
async def test_what_is_changed_on_the_way_every_time_is_never_stored(settings, proxy, driver):
    async with open_driver(replace(settings, regionendpoint=proxy.store.endpoint, retrybudget=0)) as impatient:
        proxy.plan = lambda name, _: Fault(Harm.CORRUPT) if name == "PutObject" else None
        with pytest.raises(Unavailable):
            await store_as(impatient, "/file", b"content", sha256(b"content"))
        with pytest.raises(Unavailable):
            await impatient.put("/file", b"content")
    with pytest.raises(PathNotFound):
        await driver.get("/file")


async def test_over_tls_a_known_digest_is_looked_at_and_what_is_large_needs_none(tls):
    content = os.urandom(MIB)
    await store_as(tls, "/right", content, sha256(content))
    await store_as(tls, "/unknown", content, "")
    assert await tls.get("/right") == await tls.get("/unknown") == content
    with pytest.raises(Unavailable, match="XAmzContentSHA256Mismatch"):
        await store_as(tls, "/wrong", content, sha256(b"other"))
    with pytest.raises(PathNotFound):
        await tls.get("/wrong")
