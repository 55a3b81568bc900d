import pytest

from app.oci.mediatype import DOCKER_IMAGE, OCI_IMAGE, OCI_INDEX
from tests.support.pushes import index, push_blob, push_image, push_manifest, sha256


@pytest.fixture
async def manifest(wire):
    return await push_image(wire, "a", "v1", b"layer")


@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_head_and_get_describe_the_same_manifest(wire, manifest, by):
    target = f"/v2/a/manifests/{'v1' if by == 'tag' else sha256(manifest)}"
    get, head = await wire("GET", target), await wire("HEAD", target)
    assert (get.status, head.status, head.body) == (200, 200, b"")
    for answer in [get, head]:
        assert answer.headers["Content-Type"] == OCI_IMAGE
        assert answer.headers["Content-Length"] == str(len(manifest))
        assert answer.headers["Docker-Content-Digest"] == sha256(manifest)
        assert answer.headers["ETag"] == f'"{sha256(manifest)}"'


@pytest.mark.parametrize(
    "accept",
    [
        [],
        ["*/*"],
        [DOCKER_IMAGE],
        ["application/json"],
        [f"{OCI_INDEX}, {DOCKER_IMAGE};q=0.5", OCI_IMAGE],
        ["rubbish"],
        [""],
        ["application/*;q=0"],
    ],
)
async def test_accept_never_changes_the_answer(wire, manifest, accept):
    document = index(manifest)
    await push_manifest(wire, "a", "idx", document, OCI_INDEX)
    for target, body, kind in [
        ("v1", manifest, OCI_IMAGE),
        ("idx", document, OCI_INDEX),
        (sha256(document), document, OCI_INDEX),
    ]:
        answer = await wire("GET", f"/v2/a/manifests/{target}", *(("Accept", line) for line in accept))
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, body, kind)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_is_not_in_this_repository_is_404(wire, manifest, method):
    for target in [
        "/v2/a/manifests/v2",
        f"/v2/b/manifests/{sha256(manifest)}",
        "/v2/b/manifests/v1",
        f"/v2/a/manifests/{sha256(b'x')}",
    ]:
        answer = await wire(method, target)
        assert answer.status == 404
        assert answer.body == b"" if method == "HEAD" else answer.codes == ["MANIFEST_UNKNOWN"]


async def test_a_layers_digest_is_no_manifest_and_no_500(wire):
    digest = await push_blob(wire, "a", b"not json")
    answer = await wire("GET", f"/v2/a/manifests/{digest}")
    assert (answer.status, answer.codes) == (404, ["MANIFEST_UNKNOWN"])


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', "*", "{}", '"x", W/"{}"'])
@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_who_has_it_gets_304(wire, manifest, form, by):
    target = f"/v2/a/manifests/{'v1' if by == 'tag' else sha256(manifest)}"
    answer = await wire("GET", target, ("If-None-Match", form.format(sha256(manifest))))
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (304, sha256(manifest))


async def test_304_is_never_given_for_what_does_not_exist(wire):
    digest = sha256(b"not there")
    for form in [f'"{digest}"', "*"]:
        assert (await wire("GET", f"/v2/a/manifests/{digest}", ("If-None-Match", form))).status == 404


async def test_a_moved_tag_is_modified(wire, manifest):
    await push_image(wire, "a", "v1", b"new")
    assert (await wire("GET", "/v2/a/manifests/v1", ("If-None-Match", f'"{sha256(manifest)}"'))).status == 200
