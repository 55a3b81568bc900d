import asyncio
import json

import pytest

from app.oci.mediatype import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, OCI_INDEX
from tests.support.pushes import descriptor, image, index, push_blob, push_image, push_manifest, sha256, sha512
from tests.support.wire import chunked, head

JSON = ("Content-Type", OCI_IMAGE)


@pytest.fixture
async def manifest(wire):
    """A manifest whose references are in repository `a`, not pushed itself."""
    await push_blob(wire, "a", b"{}")
    await push_blob(wire, "a", b"layer")
    return image(b"{}", b"layer")


@pytest.mark.parametrize("chunks", [False, True])
async def test_a_manifest_pushed_by_tag_can_be_pulled_by_tag_and_digest(wire, manifest, chunks):
    answer = await wire("PUT", "/v2/a/manifests/v1", JSON, body=manifest, chunks=chunks)
    digest = sha256(manifest)
    assert (answer.status, answer.body, answer.headers["Docker-Content-Digest"]) == (201, b"", digest)
    assert answer.location == f"/v2/a/manifests/{digest}"
    for target in [answer.location, "/v2/a/manifests/v1"]:
        pulled = await wire("GET", target)
        assert (pulled.status, pulled.body, pulled.headers["Content-Type"]) == (200, manifest, OCI_IMAGE)


async def test_bytes_are_kept_exactly(wire, manifest):
    odd = b"\n  " + manifest[:-1] + b' , "unknown" : {"a":[1.0e2]}\n}\t'
    await push_manifest(wire, "a", "odd", odd)
    assert (await wire("GET", "/v2/a/manifests/odd")).body == odd


@pytest.mark.parametrize("digest_of", [sha256, sha512])
async def test_a_push_by_digest_must_have_that_digest(wire, manifest, digest_of):
    digest = digest_of(manifest)
    answer = await wire("PUT", f"/v2/a/manifests/{digest}", JSON, body=manifest)
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    pulled = await wire("GET", f"/v2/a/manifests/{digest}")
    assert (pulled.body, pulled.headers["Docker-Content-Digest"]) == (manifest, digest)
    refused = await wire("PUT", f"/v2/a/manifests/{digest_of(b'other')}", JSON, body=manifest)
    assert (refused.status, refused.codes) == (400, ["DIGEST_INVALID"])


async def test_tag_parameters_set_tags_and_a_tag_remembers_its_digest(wire, manifest):
    digest = sha512(manifest)
    answer = await wire("PUT", f"/v2/a/manifests/{digest}?tag=x&tag=y&tag=z&tag=x", JSON, body=manifest)
    assert (answer.status, answer.headers["OCI-Tag"]) == (201, "x, y, z")
    for tag in ["x", "y", "z"]:
        assert (await wire("HEAD", f"/v2/a/manifests/{tag}")).headers["Docker-Content-Digest"] == digest
    assert (await wire("GET", "/v2/a/tags/list")).json["tags"] == ["x", "y", "z"]


async def test_an_invalid_tag_parameter_sets_none_of_them(wire, manifest):
    target = f"/v2/a/manifests/{sha256(manifest)}?tag=good&tag=-bad"
    answer = await wire("PUT", target, JSON, body=manifest)
    assert (answer.status, answer.codes) == (400, ["TAG_INVALID"])
    assert (await wire("HEAD", "/v2/a/manifests/good")).status == 404
    assert (await wire("HEAD", f"/v2/a/manifests/{sha256(manifest)}")).status == 404


async def test_ten_tags_are_fine_and_too_many_are_414(wire, manifest):
    digest = sha256(manifest)
    ten = "&".join(f"tag=t{n}" for n in range(10))
    assert (await wire("PUT", f"/v2/a/manifests/{digest}?{ten}", JSON, body=manifest)).status == 201
    many = "&".join(f"tag=t{n}" for n in range(33))
    assert (await wire("PUT", f"/v2/a/manifests/{digest}?{many}", JSON, body=manifest)).status == 414


async def test_tag_parameters_count_only_with_a_digest_in_the_path(wire, manifest):
    answer = await wire("PUT", "/v2/a/manifests/main?tag=x", JSON, body=manifest)
    assert answer.status == 201
    assert "OCI-Tag" not in answer.headers
    assert (await wire("HEAD", "/v2/a/manifests/x")).status == 404


async def test_a_manifest_with_a_subject_names_it_in_the_answer(wire, manifest):
    subject = descriptor(b"nobody has it", OCI_IMAGE)
    for tag, document, kind in [
        ("i", image(b"{}", b"layer", subject=subject), OCI_IMAGE),
        ("x", index(subject=subject), OCI_INDEX),
    ]:
        answer = await push_manifest(wire, "a", tag, document, kind)
        assert answer.headers["OCI-Subject"] == subject["digest"]
    assert "OCI-Subject" not in (await push_manifest(wire, "a", "p", manifest)).headers


@pytest.mark.parametrize("kind", [DOCKER_IMAGE, OCI_IMAGE])
async def test_parameters_of_the_content_type_are_dropped(wire, manifest, kind):
    document = image(b"{}", b"layer", media_type=kind)
    await push_manifest(wire, "a", "v1", document, f"{kind}; charset=utf-8")
    assert (await wire("GET", "/v2/a/manifests/v1")).headers["Content-Type"] == kind


async def test_docker_lists_are_manifests_too(wire, manifest):
    await push_manifest(wire, "a", "v1", manifest)
    entry = descriptor(manifest, OCI_IMAGE, platform={"os": "linux", "architecture": "amd64"})
    document = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry]}).encode()
    await push_manifest(wire, "a", "list", document, DOCKER_LIST)
    pulled = await wire("GET", "/v2/a/manifests/list", ("Accept", DOCKER_IMAGE))
    assert (pulled.body, pulled.headers["Content-Type"]) == (document, DOCKER_LIST)


async def test_without_a_content_type_the_documents_own_counts(wire, manifest):
    answer = await wire("PUT", "/v2/a/manifests/v1", body=manifest)
    assert answer.status == 201
    assert (await wire("GET", "/v2/a/manifests/v1")).headers["Content-Type"] == OCI_IMAGE


async def test_each_missing_reference_has_an_error_of_its_own(wire, manifest):
    document = image(b"{}", b"layer", b"missing 1", b"missing 2")
    answer = await wire("PUT", "/v2/a/manifests/v1", JSON, body=document)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_BLOB_UNKNOWN"] * 2)
    assert {sha256(b"missing 1"), sha256(b"missing 2")} == {
        digest
        for row in answer.json["errors"]
        for digest in [row["detail"] if isinstance(row["detail"], str) else row["detail"]["digest"]]
    }
    assert (await wire("GET", "/v2/a/manifests/v1")).status == 404


async def test_what_another_repository_has_is_missing_here(wire, manifest):
    answer = await wire("PUT", "/v2/b/manifests/v1", JSON, body=manifest)
    assert set(answer.codes) == {"MANIFEST_BLOB_UNKNOWN"}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 3, "mediaType": "application/vnd.oci.image.manifest.v1+json"}',
        b'{"schemaVersion": 2, "config": 1, "layers": {}}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        image(b"{}", media_type=OCI_INDEX),
        image(b"{}", manifests=[]),
        image(b"{}").replace(b'"layers"', b'"layers":[],"layers"'),
        image(b"{}").replace(b'"size": 2', b'"size": 1e400'),
        image(b"{}").replace(b'"size": 2', b'"size": -1'),
        image(b"{}").replace(b'"size": 2', b'"size": NaN'),
    ],
    ids=range(17),
)
async def test_what_is_no_manifest_is_400_and_never_500(wire, manifest, document):
    answer = await wire("PUT", "/v2/a/manifests/v1", JSON, body=document)
    assert answer.status == 400, answer
    assert answer.codes[0] in {"MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN", "DIGEST_INVALID", "SIZE_INVALID"}


@pytest.mark.parametrize("kind", ["application/json", "text/plain", DOCKER_IMAGE, OCI_INDEX, "rubbish"])
async def test_a_content_type_unlike_the_documents_is_400(wire, manifest, kind):
    answer = await wire("PUT", "/v2/a/manifests/v1", ("Content-Type", kind), body=manifest)
    assert (answer.status, answer.codes) == (400, ["MANIFEST_INVALID"])


async def test_four_mebibytes_are_taken(wire, manifest):
    padding = (4 << 20) - len(image(b"{}", b"layer", annotations={"p": ""}))
    document = image(b"{}", b"layer", annotations={"p": "x" * padding})
    assert len(document) == 4 << 20
    await push_manifest(wire, "a", "big", document)


@pytest.mark.parametrize("chunks", [False, True])
async def test_more_is_413_and_the_client_can_read_it(wire, chunks):
    async with wire.connect() as connection:
        framing = ("Transfer-Encoding", "chunked") if chunks else ("Content-Length", str((4 << 20) + 1))
        await connection.send(head("PUT", "/v2/a/manifests/v1", JSON, framing))
        if chunks:
            body = b"x" * ((4 << 20) + 1)
            await connection.send(chunked(body))
        answer = await connection.answer()  # without a byte of the body where its length says enough
    assert (answer.status, answer.codes) == (413, ["SIZE_INVALID"])


async def test_a_tag_that_moves_leaves_the_old_manifest(wire, manifest):
    old = await push_image(wire, "a", "v1", b"old")
    new = await push_image(wire, "a", "v1", b"new")
    assert (await wire("GET", "/v2/a/manifests/v1")).body == new
    assert (await wire("GET", f"/v2/a/manifests/{sha256(old)}")).body == old


async def test_a_tag_can_be_made_only_if_it_is_not_there(wire, manifest):
    only_new = ("If-None-Match", "*")
    assert (await wire("PUT", "/v2/a/manifests/v1", JSON, only_new, body=manifest)).status == 201
    answer = await wire("PUT", "/v2/a/manifests/v1", JSON, only_new, body=manifest)
    assert (answer.status, answer.codes) == (412, ["DENIED"])


async def test_fifty_racing_creations_of_one_tag_have_one_winner(wire, manifest):
    documents = [image(b"{}", b"layer", annotations={"n": str(n)}) for n in range(50)]
    only_new = ("If-None-Match", "*")
    answers = await asyncio.gather(*(wire("PUT", "/v2/a/manifests/v1", JSON, only_new, body=one) for one in documents))
    assert sorted(answer.status for answer in answers) == [201] + [412] * 49
    winner = next(n for n, answer in enumerate(answers) if answer.status == 201)
    assert (await wire("GET", "/v2/a/manifests/v1")).body == documents[winner]


async def test_a_tag_can_be_moved_only_from_where_it_was_seen(wire, manifest):
    second = image(b"{}", b"layer", annotations={"n": "2"})
    await push_manifest(wire, "a", "v1", manifest)
    stale = ("If-Match", f'"{sha256(second)}"')
    assert (await wire("PUT", "/v2/a/manifests/v1", JSON, stale, body=second)).status == 412
    seen = ("If-Match", f'"{sha256(manifest)}"')
    assert (await wire("PUT", "/v2/a/manifests/v1", JSON, seen, body=second)).status == 201
    assert (await wire("PUT", "/v2/a/manifests/none", JSON, ("If-Match", "*"), body=second)).status == 412


async def test_a_manifest_can_be_made_by_digest_only_if_it_is_not_there(wire, manifest):
    target = f"/v2/a/manifests/{sha256(manifest)}"
    assert (await wire("PUT", target, JSON, ("If-Match", "*"), body=manifest)).status == 412
    assert (await wire("PUT", target, JSON, ("If-None-Match", "*"), body=manifest)).status == 201
    assert (await wire("PUT", target, JSON, ("If-None-Match", "*"), body=manifest)).status == 412
    assert (await wire("PUT", target, JSON, ("If-Match", f'"{sha256(manifest)}"'), body=manifest)).status == 201


async def test_two_writers_of_one_tag_leave_one_whole_manifest(wire, manifest):
    documents = [image(b"{}", b"layer", annotations={"n": str(n)}) for n in range(8)]
    answers = await asyncio.gather(*(wire("PUT", "/v2/a/manifests/v1", JSON, body=one) for one in documents))
    assert {answer.status for answer in answers} == {201}
    assert (await wire("GET", "/v2/a/manifests/v1")).body in documents
