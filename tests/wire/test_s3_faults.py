"""A store that fails, as clients see it: 503 before the first byte, else the end of the connection. Never 404, never 500."""

import asyncio
import itertools

import pytest

from app.config.model import Redirect
from app.config.units import Duration, Size
from tests.support.buckets import read_the_sdks_files_once, section
from tests.support.pushes import begin, push_blob, push_image, sha256
from tests.support.running import changed, configuration, running
from tests.support.s3proxy import Fault, Harm, proxied
from tests.support.wire import head

MIB = 1 << 20
LARGE = bytes(range(256)) * 4 * 1024


@pytest.fixture
async def proxy(_store):
    async with proxied(_store) as proxy:
        yield proxy


@pytest.fixture
def config(proxy, tmp_path, monkeypatch):
    read_the_sdks_files_once(monkeypatch)
    bucket = section(proxy.store, rootdirectory=tmp_path.name, retrybudget=Duration(0.2))
    config = configuration("s3", tmp_path, bucket=bucket)
    return changed(config, storage=changed(config.storage, redirect=Redirect(disable=True)))


def failing(verb, fault):
    return lambda name, _: fault if name == verb else None


async def test_a_store_that_is_down_is_503_for_everything_and_never_404(wire, proxy):
    await push_image(wire, "a", "latest", LARGE)
    proxy.plan = lambda _verb, _number: Fault(Harm.REFUSE, 503, "ServiceUnavailable")
    for method, path in [
        ("GET", f"/v2/a/blobs/{sha256(LARGE)}"),
        ("HEAD", f"/v2/a/blobs/{sha256(b'none')}"),
        ("GET", "/v2/a/manifests/latest"),
        ("GET", "/v2/a/tags/list"),
        ("GET", "/v2/_catalog"),
        ("POST", f"/v2/a/blobs/uploads/?digest={sha256(b'x')}"),
    ]:
        answer = await wire(method, path, body=b"x" if method == "POST" else None)
        assert (answer.status, "Retry-After" in answer.headers) == (503, True), path


async def test_a_refusal_is_503_too(wire, proxy):
    digest = await push_blob(wire, "a", LARGE)
    proxy.plan = lambda _verb, _number: Fault(Harm.REFUSE, 403, "AccessDenied")
    assert (await wire("GET", f"/v2/a/blobs/{digest}")).status == 503


async def test_a_blob_whose_answers_break_off_comes_whole(wire, proxy):
    digest = await push_blob(wire, "a", LARGE)
    reads = itertools.count()  # the first is that of the link
    proxy.plan = lambda name, _: Fault(Harm.CUT) if name == "GetObject" and next(reads) in {1, 2, 3} else None
    assert (await wire("GET", f"/v2/a/blobs/{digest}")).body == LARGE


@pytest.mark.parametrize("harm", [Harm.CUT, Harm.SHORT])
async def test_a_blob_whose_answers_always_break_off_is_cut_short_and_never_padded(wire, proxy, harm):
    digest = await push_blob(wire, "a", LARGE)
    reads = itertools.count()
    proxy.plan = lambda name, _: Fault(harm) if name == "GetObject" and next(reads) else None
    async with wire.connect() as connection:
        await connection.send(head("GET", f"/v2/a/blobs/{digest}"))
        status, headers = await connection.head()
        body = await connection.rest()
    assert (status, headers["Content-Length"]) == (200, str(len(LARGE)))
    assert len(body) < len(LARGE)
    assert LARGE.startswith(body)


@pytest.mark.parametrize("span", [(), (("Range", "bytes=5-70000"),), (("Range", "bytes=5-70000,600000-700000"),)])
async def test_a_blob_of_which_no_byte_comes_is_503(wire, proxy, span):
    digest = await push_blob(wire, "a", LARGE)
    reads = itertools.count()
    proxy.plan = lambda name, _: Fault(Harm.CUT, after=0) if name == "GetObject" and next(reads) else None
    answer = await wire("GET", f"/v2/a/blobs/{digest}", *span)
    assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert answer.codes == ["UNAVAILABLE"]


async def test_sixteen_uploads_share_memory_for_three_parts_and_all_arrive(proxy, config):
    bucket = changed(config.storage.s3, chunksize=Size(5 * MIB), buffer=Size(15 * MIB))
    async with running(changed(config, storage=changed(config.storage, s3=bucket))) as wire:

        async def push(number):
            content = number.to_bytes(4) * (18 * MIB // 4)
            location = await begin(wire, "a")
            if number % 2:
                location = (await wire("PATCH", location, body=content, chunks=True)).location
                content, digest = b"", sha256(content)
            else:
                digest = sha256(content)
            return (await wire("PUT", f"{location}&digest={digest}", body=content)).status

        assert await asyncio.gather(*map(push, range(16))) == [201] * 16
    assert await proxy.store.uploads() == []


async def test_an_upload_that_fails_or_has_another_digest_leaves_no_parts(wire, proxy):
    content = bytes(12 * MIB) + bytes(12 * MIB)
    location = await begin(wire, "a")
    answer = await wire("PUT", f"{location}&digest={sha256(b'other')}", body=content)
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
    proxy.plan = failing("UploadPart", Fault(Harm.REFUSE, 503, "ServiceUnavailable"))
    answer = await wire("PUT", f"{await begin(wire, 'a')}&digest={sha256(content)}", body=content)
    assert answer.status == 503
    assert await proxy.store.uploads() == []
