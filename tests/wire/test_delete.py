import msgspec
import pytest

from app.config.model import Delete, Maintenance, ReadOnly
from tests.support.pushes import begin, image, push_blob, push_image, push_manifest, sha256
from tests.support.running import changed, running


async def test_a_deleted_tag_is_gone_at_once_and_the_manifest_stays(wire):
    manifest = await push_image(wire, "a", "v1", b"layer")
    await push_manifest(wire, "a", "v2", manifest)
    answer = await wire("DELETE", "/v2/a/manifests/v1")
    assert (answer.status, answer.headers["Content-Length"]) == (202, "0")
    assert (await wire("HEAD", "/v2/a/manifests/v1")).status == 404
    assert (await wire("GET", "/v2/a/tags/list")).json["tags"] == ["v2"]
    assert (await wire("GET", f"/v2/a/manifests/{sha256(manifest)}")).status == 200
    again = await wire("DELETE", "/v2/a/manifests/v1")
    assert (again.status, again.codes) == (404, ["MANIFEST_UNKNOWN"])
    assert "/" not in str(again.json["errors"][0].get("detail", ""))


async def test_a_deleted_manifest_takes_its_tags_with_it(wire):
    manifest = await push_image(wire, "a", "v1", b"layer")
    await push_manifest(wire, "a", "v2", manifest)
    other = await push_image(wire, "a", "other", b"other layer")
    assert (await wire("DELETE", f"/v2/a/manifests/{sha256(manifest)}")).status == 202
    for target in [sha256(manifest), "v1", "v2"]:
        assert (await wire("GET", f"/v2/a/manifests/{target}")).status == 404
    assert (await wire("GET", "/v2/a/tags/list")).json["tags"] == ["other"]
    assert (await wire("GET", f"/v2/a/manifests/{sha256(other)}")).status == 200
    assert (await wire("DELETE", f"/v2/a/manifests/{sha256(manifest)}")).codes == ["MANIFEST_UNKNOWN"]
    await push_manifest(wire, "a", "v1", manifest)
    assert (await wire("GET", "/v2/a/manifests/v1")).body == manifest


async def test_a_deleted_blob_is_gone_here_and_stays_elsewhere(wire):
    digest = await push_blob(wire, "a", b"shared")
    await push_blob(wire, "b", b"shared")
    answer = await wire("DELETE", f"/v2/a/blobs/{digest}")
    assert (answer.status, answer.headers["Content-Length"]) == (202, "0")
    for _ in range(3):
        assert (await wire("GET", f"/v2/a/blobs/{digest}")).status == 404
        assert (await wire("GET", f"/v2/b/blobs/{digest}")).body == b"shared"
    assert (await wire("DELETE", f"/v2/a/blobs/{digest}")).codes == ["BLOB_UNKNOWN"]
    await push_blob(wire, "a", b"shared")
    assert (await wire("HEAD", f"/v2/a/blobs/{digest}")).status == 200


@pytest.mark.parametrize("target", ["blobs/sha256:short", "manifests/sha256:short", "blobs/x"])
async def test_what_is_no_digest_is_400(wire, target):
    answer = await wire("DELETE", f"/v2/a/{target}")
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("target", ["manifests/v1", f"manifests/{sha256(b'x')}", f"blobs/{sha256(b'x')}"])
async def test_in_a_repository_that_nobody_knows_there_is_nothing_to_delete(wire, target):
    assert (await wire("DELETE", f"/v2/none/such/{target}")).status == 404


async def test_a_tag_is_deleted_only_as_it_was_seen(wire):
    manifest = await push_image(wire, "a", "v1", b"layer")
    other = ("If-Match", f'"{sha256(b"other")}"')
    seen = ("If-Match", f'"{sha256(manifest)}"')
    assert (await wire("DELETE", "/v2/a/manifests/v1", other)).status == 412
    assert (await wire("DELETE", f"/v2/a/manifests/{sha256(manifest)}", other)).status == 412
    assert (await wire("HEAD", "/v2/a/manifests/v1")).status == 200
    assert (await wire("DELETE", "/v2/a/manifests/v1", seen)).status == 202
    assert (await wire("DELETE", f"/v2/a/manifests/{sha256(manifest)}", seen)).status == 202


async def test_with_deletes_off_all_three_routes_are_405_and_an_upload_can_still_be_cancelled(config):
    storage = msgspec.structs.replace(config.storage, delete=Delete(enabled=False))
    async with running(changed(config, storage=storage)) as wire:
        manifest = await push_image(wire, "a", "v1", b"layer")
        for target in ["manifests/v1", f"manifests/{sha256(manifest)}", f"blobs/{sha256(b'layer')}"]:
            answer = await wire("DELETE", f"/v2/a/{target}")
            assert (answer.status, answer.codes) == (405, ["UNSUPPORTED"])
            assert "DELETE" not in answer.headers["Allow"]
            assert (await wire("GET", f"/v2/a/{target}")).status == 200
        assert (await wire("DELETE", await begin(wire, "a"))).status == 204


async def test_a_read_only_registry_refuses_every_write(config, driver):
    storage = msgspec.structs.replace(config.storage, maintenance=Maintenance(readonly=ReadOnly(enabled=True)))
    if driver == "filesystem":
        async with running(config) as wire:
            await push_image(wire, "a", "v1", b"layer")
    async with running(changed(config, storage=storage)) as wire:
        for method, target in [
            ("POST", "blobs/uploads/"),
            ("PATCH", "blobs/uploads/x"),
            ("PUT", "blobs/uploads/x"),
            ("DELETE", "blobs/uploads/x"),
            ("PUT", "manifests/v1"),
            ("DELETE", "manifests/v1"),
            ("DELETE", f"blobs/{sha256(b'layer')}"),
        ]:
            answer = await wire(method, f"/v2/a/{target}", body=image() if method in {"PUT", "POST", "PATCH"} else None)
            assert (answer.status, answer.codes) == (405, ["UNSUPPORTED"])
        assert (await wire("GET", "/v2/a/manifests/v1")).status == (200 if driver == "filesystem" else 404)
