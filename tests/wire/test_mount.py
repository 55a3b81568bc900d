import pytest

from tests.support.pushes import push_blob, sha256, sha512


@pytest.mark.parametrize("source", ["&from=src/a", ""])
async def test_a_mounted_blob_can_be_pulled_here(wire, source):
    digest = await push_blob(wire, "src/a", b"shared")
    answer = await wire("POST", f"/v2/dst/blobs/uploads/?mount={digest}{source}", body=b"")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert answer.location == f"/v2/dst/blobs/{digest}"
    assert (await wire("HEAD", answer.location)).status == 200
    assert (await wire("DELETE", f"/v2/src/a/blobs/{digest}")).status == 202
    assert (await wire("GET", answer.location)).body == b"shared"


@pytest.mark.parametrize("source", ["&from=src", ""])
async def test_a_mount_by_sha512_is_answered_by_sha512(wire, source):
    content, digest = b"shared", sha512(b"shared")
    assert (await wire("POST", f"/v2/src/blobs/uploads/?digest={digest}", body=content)).status == 201
    answer = await wire("POST", f"/v2/dst/blobs/uploads/?mount={digest}{source}", body=b"")
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    for name in [digest, sha256(content)]:
        assert (await wire("GET", f"/v2/dst/blobs/{name}")).body == content


@pytest.mark.parametrize("query", ["&from=src", "&from=none/such", "&from=BAD%2F..", "&from=", ""])
async def test_what_can_not_be_mounted_is_an_upload(wire, query):
    await push_blob(wire, "src", b"other")
    digest = sha256(b"not there")
    answer = await wire("POST", f"/v2/dst/blobs/uploads/?mount={digest}{query}", body=b"")
    assert answer.status == 202
    assert (await wire("PUT", f"{answer.location}&digest={digest}", body=b"not there")).status == 201


async def test_a_blob_of_another_repository_is_not_mounted_by_naming_a_third(wire):
    digest = await push_blob(wire, "private", b"secret")
    answer = await wire("POST", f"/v2/dst/blobs/uploads/?mount={digest}&from=third", body=b"")
    assert answer.status == 202
    assert (await wire("HEAD", f"/v2/dst/blobs/{digest}")).status == 404
