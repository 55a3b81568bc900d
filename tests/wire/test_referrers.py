import pytest

from app.oci.mediatype import OCI_IMAGE, OCI_INDEX
from tests.support.pushes import descriptor, image, index, push_blob, push_image, push_manifest, sha256, sha512

SUBJECT = b"the subject"


async def refer(wire, number=0, **more):
    await push_blob(wire, "a", b"{}")
    document = image(b"{}", subject=descriptor(SUBJECT, OCI_IMAGE), annotations={"n": str(number)}, **more)
    await push_manifest(wire, "a", sha256(document), document)
    return document


async def listed(wire, query=""):
    answer = await wire("GET", f"/v2/a/referrers/{sha256(SUBJECT)}{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == OCI_INDEX
    assert (answer.json["schemaVersion"], answer.json["mediaType"]) == (2, OCI_INDEX)
    return answer


@pytest.mark.parametrize("name", ["a", "none/such"])
async def test_nothing_refers_to_what_nobody_knows_and_that_is_no_404(wire, name):
    answer = await wire("GET", f"/v2/{name}/referrers/{sha256(b'unknown')}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, OCI_INDEX)
    assert answer.json == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


@pytest.mark.parametrize("digest", ["latest", "sha256:short", "sha256:", "md5:" + "0" * 32])
async def test_a_malformed_digest_is_400(wire, digest):
    answer = await wire("GET", f"/v2/a/referrers/{digest}")
    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


async def test_a_referrer_is_described_with_type_and_annotations(wire):
    typed = await refer(wire, 1, artifactType="application/x.sbom")
    plain = await refer(wire, 2)
    an_index = index(subject=descriptor(SUBJECT, OCI_IMAGE), annotations={"n": "3"})
    await push_manifest(wire, "a", "i", an_index, OCI_INDEX)
    rows = {row["digest"]: row for row in (await listed(wire)).json["manifests"]}
    config_type = "application/vnd.oci.image.config.v1+json"
    assert rows == {
        sha256(typed): descriptor(typed, OCI_IMAGE, artifactType="application/x.sbom", annotations={"n": "1"}),
        sha256(plain): descriptor(plain, OCI_IMAGE, artifactType=config_type, annotations={"n": "2"}),
        sha256(an_index): descriptor(an_index, OCI_INDEX, annotations={"n": "3"}),
    }


async def test_a_filter_is_applied_and_says_so(wire):
    wanted = await refer(wire, 1, artifactType="application/x.sbom+json")
    await refer(wire, 2, artifactType="application/x.other")
    for form in ["application%2Fx.sbom%2Bjson", "application/x.sbom+json"]:
        answer = await listed(wire, f"?artifactType={form}&unknown=1")
        assert [row["digest"] for row in answer.json["manifests"]] == [sha256(wanted)]
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert (await listed(wire, "?artifactType=none")).json["manifests"] == []
    empty = await listed(wire, "?artifactType=")
    assert len(empty.json["manifests"]) == 2
    assert "OCI-Filters-Applied" not in empty.headers


async def test_pages_lose_nothing_and_keep_their_filter(wire):
    wanted = {sha256(await refer(wire, n, artifactType="application/x.sbom")) for n in range(7)}
    await refer(wire, 99, artifactType="application/x.other")
    seen, target = [], f"/v2/a/referrers/{sha256(SUBJECT)}?n=3&artifactType=application%2Fx.sbom"
    while target:
        answer = await wire("GET", target)
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        seen += [row["digest"] for row in answer.json["manifests"]]
        link = answer.headers.get("Link", "")
        target = link[1 : link.index(">")] if link else ""
        assert not link or link.endswith('>; rel="next"')
    assert len(seen) == 7
    assert set(seen) == wanted


async def test_a_page_ends_before_it_is_longer_than_clients_read(wire):
    for n in range(5):
        await refer(wire, n, artifactType="application/x.sbom")
        document = image(b"{}", subject=descriptor(SUBJECT, OCI_IMAGE), annotations={"big": str(n) * 1_500_000})
        await push_manifest(wire, "a", sha256(document), document)
    seen, target = 0, f"/v2/a/referrers/{sha256(SUBJECT)}"
    pages = 0
    while target:
        answer = await wire("GET", target)
        assert len(answer.body) <= 4 << 20
        seen += len(answer.json["manifests"])
        pages += 1
        link = answer.headers.get("Link", "")
        target = link[1 : link.index(">")] if link else ""
    assert seen == 10
    assert pages > 1


async def test_a_deleted_referrer_leaves_the_list_and_its_own_referrers_stay(wire):
    document = await refer(wire)
    of_it = image(b"{}", subject=descriptor(document, OCI_IMAGE))
    await push_manifest(wire, "a", sha256(of_it), of_it)
    assert (await wire("DELETE", f"/v2/a/manifests/{sha256(document)}")).status == 202
    assert (await listed(wire)).json["manifests"] == []
    rows = (await wire("GET", f"/v2/a/referrers/{sha256(document)}")).json["manifests"]
    assert [row["digest"] for row in rows] == [sha256(of_it)]


async def test_one_manifest_under_many_tags_is_listed_once(wire):
    document = await refer(wire)
    for tag in ["x", "y"]:
        await push_manifest(wire, "a", tag, document)
    assert len((await listed(wire)).json["manifests"]) == 1


async def test_referrers_are_those_of_this_repository(wire):
    await refer(wire)
    assert (await wire("GET", f"/v2/b/referrers/{sha256(SUBJECT)}")).json["manifests"] == []


async def test_a_subject_by_sha512_is_a_subject_of_its_own(wire):
    await push_blob(wire, "a", b"{}")
    document = image(b"{}", subject={**descriptor(SUBJECT, OCI_IMAGE), "digest": sha512(SUBJECT)})
    answer = await push_manifest(wire, "a", "x", document)
    assert answer.headers["OCI-Subject"] == sha512(SUBJECT)
    rows = (await wire("GET", f"/v2/a/referrers/{sha512(SUBJECT)}")).json["manifests"]
    assert [row["digest"] for row in rows] == [sha256(document)]


async def test_entries_of_a_fallback_tag_by_an_older_client_are_listed(wire):
    subject = await push_image(wire, "a", "v1", b"layer")
    await push_blob(wire, "a", b"{}")
    old = image(b"{}", subject=descriptor(subject, OCI_IMAGE), artifactType="application/x.old")
    await push_manifest(wire, "a", sha256(old), old)
    fallback = index(old)
    await push_manifest(wire, "a", sha256(subject).replace(":", "-"), fallback, OCI_INDEX)
    rows = (await wire("GET", f"/v2/a/referrers/{sha256(subject)}")).json["manifests"]
    assert [row["digest"] for row in rows] == [sha256(old)]


@pytest.mark.parametrize("query", ["?n=x", "?n=-1", "?last=rubbish"])
async def test_a_page_that_is_none_is_400(wire, query):
    assert (await wire("GET", f"/v2/a/referrers/{sha256(SUBJECT)}{query}")).status == 400
