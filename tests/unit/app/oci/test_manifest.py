"""Manifests: every kind that is taken, everything ambiguous that is not, and one type for the same bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.oci import mediatype
from app.oci.descriptor import Descriptor, Platform
from app.oci.digest import Digest
from app.oci.errors import ManifestInvalid
from app.oci.manifest import MAX_SIZE, parse

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
C512 = "sha512:" + "c" * 128
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": A, "size": 2}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": B, "size": 3}
ENTRY = {"mediaType": mediatype.OCI_IMAGE, "digest": B, "size": 4}


def image(**changes):
    return {"schemaVersion": 2, "mediaType": mediatype.OCI_IMAGE, "config": CONFIG, "layers": [LAYER]} | changes


def index(**changes):
    return {"schemaVersion": 2, "mediaType": mediatype.OCI_INDEX, "manifests": [ENTRY]} | changes


def artifact(**changes):
    return {"mediaType": mediatype.OCI_ARTIFACT, "artifactType": "application/x", "blobs": [LAYER]} | changes


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}


def raw(document) -> bytes:
    return json.dumps(document).encode()


def refusal(document, content_type: str = "") -> ManifestInvalid:
    with pytest.raises(ManifestInvalid) as caught:
        parse(document if isinstance(document, bytes) else raw(document), content_type)
    json.dumps([caught.value.text, caught.value.detail])
    caught.value.text.encode()
    return caught.value


# What is taken.


@pytest.mark.parametrize("media_type", sorted(mediatype.IMAGES))
def test_an_image_names_its_config_and_layers_in_order(media_type):
    content = raw(image(mediaType=media_type, layers=[LAYER, LAYER, CONFIG]))
    manifest = parse(content, media_type)
    assert manifest.raw is content
    assert manifest.media_type == media_type
    assert manifest.digest == Digest.of(content)
    assert [each.digest for each in manifest.blobs] == [A, B, B, A]
    assert manifest.blobs[1] == Descriptor(LAYER["mediaType"], 3, Digest.parse(B))
    assert manifest.manifests == ()
    assert manifest.subject is None


@pytest.mark.parametrize("media_type", sorted(mediatype.INDEXES))
def test_an_index_names_its_entries_and_their_platforms(media_type):
    on_arm = ENTRY | {"platform": {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "1"}}
    manifest = parse(raw(index(mediaType=media_type, manifests=[on_arm, ENTRY])), media_type)
    assert manifest.media_type == media_type
    assert [each.platform for each in manifest.manifests] == [Platform("arm64", "linux"), None]
    assert manifest.blobs == ()
    assert manifest.artifact_type is None


def test_the_withdrawn_artifact_manifest_is_taken():
    manifest = parse(raw(artifact(subject=ENTRY, annotations={"a": "b"})), mediatype.OCI_ARTIFACT)
    assert [each.digest for each in manifest.blobs] == [B]
    assert manifest.artifact_type == "application/x"
    assert manifest.subject.digest == B
    assert parse(raw(without(artifact(), "blobs"))).blobs == ()
    assert parse(raw(artifact(schemaVersion=2))).media_type == mediatype.OCI_ARTIFACT


@pytest.mark.parametrize(
    "document",
    [image(), index(), artifact(), image(mediaType=mediatype.DOCKER_IMAGE), index(mediaType=mediatype.DOCKER_LIST)],
)
def test_every_kind_may_have_a_subject_an_artifact_type_and_annotations(document):
    subject = {"mediaType": mediatype.OCI_IMAGE, "digest": C512, "size": 5}
    manifest = parse(raw(document | {"subject": subject, "artifactType": "a/b", "annotations": {"k": "v"}}))
    assert manifest.subject == Descriptor(mediatype.OCI_IMAGE, 5, Digest.parse(C512))
    assert manifest.artifact_type == "a/b"
    assert manifest.annotations == {"k": "v"}


def test_an_image_without_an_artifact_type_has_its_configs_media_type():
    assert parse(raw(image())).artifact_type == CONFIG["mediaType"]
    assert parse(raw(image(artifactType=""))).artifact_type == CONFIG["mediaType"]


def test_a_descriptor_keeps_what_the_referrers_list_and_foreign_layers_need():
    said = LAYER | {
        "artifactType": "a/b",
        "annotations": {"k": "v"},
        "urls": ["https://x/y"],
        "data": "e30=",
        "new": {},
    }
    assert parse(raw(image(layers=[said]))).blobs[1] == Descriptor(
        LAYER["mediaType"], 3, Digest.parse(B), "a/b", {"k": "v"}, ("https://x/y",)
    )


@pytest.mark.parametrize(
    "document",
    [
        image(layers=[]),
        image(layers=None),
        index(manifests=[]),
        index(manifests=None),
        image(subject=None, annotations=None, artifactType=None),
        image(manifests=None, blobs=None),
        index(config=None, layers=None),
        image(layers=[LAYER | {"urls": None, "annotations": None, "platform": None, "artifactType": None}]),
        image(layers=[LAYER | {"size": 0}]),
        image(layers=[LAYER | {"size": MAX_SIZE}]),
        image(layers=[LAYER | {"digest": C512}]),
        image(unknown={"deep": [1, {"er": None}]}, annotations={"": ""}),
        index(manifests=[ENTRY | {"platform": {}}]),
        index(manifests=[ENTRY | {"mediaType": mediatype.OCI_INDEX}]),
        image(mediaType=""),
        image(mediaType=None),
    ],
)
def test_what_clients_really_write_is_taken(document):
    manifest = parse(raw(document))
    assert manifest.media_type in {mediatype.OCI_IMAGE, mediatype.OCI_INDEX}


# The type.


@pytest.mark.parametrize(("document", "media_type"), [(image(), mediatype.OCI_IMAGE), (index(), mediatype.OCI_INDEX)])
def test_an_oci_document_without_a_media_type_is_known_by_its_shape(document, media_type):
    bare = raw(without(document, "mediaType"))
    assert parse(bare).media_type == media_type
    assert parse(bare, media_type).media_type == media_type


@pytest.mark.parametrize("content_type", sorted(mediatype.MANIFESTS - {mediatype.OCI_IMAGE}))
@pytest.mark.parametrize("document", [image(), without(image(), "mediaType")])
def test_a_content_type_unlike_the_documents_own_type_is_refused(document, content_type):
    assert refusal(document, content_type).detail == {"contentType": content_type, "mediaType": mediatype.OCI_IMAGE}


@pytest.mark.parametrize("content_type", sorted(mediatype.MANIFESTS - {mediatype.OCI_INDEX}))
def test_an_index_is_not_taken_for_another_type(content_type):
    refusal(index(), content_type)
    refusal(without(index(), "mediaType"), content_type)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/vnd.oci.image.config.v1+json", "x", "a" * 10_000]
)
def test_an_unknown_content_type_is_refused_with_the_list_of_those_taken(content_type):
    detail = refusal(image(), content_type).detail
    assert detail["accepted"] == sorted(mediatype.MANIFESTS)
    assert len(detail["mediaType"]) <= 160


@pytest.mark.parametrize(
    "declared",
    ["x", "application/json", mediatype.OCI_IMAGE + " ", mediatype.OCI_IMAGE + "; a=b", mediatype.OCI_IMAGE.upper()],
)
def test_an_unknown_type_in_the_document_is_refused(declared):
    assert "accepted" in refusal(image(mediaType=declared)).detail
    refusal(image(mediaType=declared), mediatype.OCI_IMAGE)


@pytest.mark.parametrize("declared", [1, True, [], {}, 1.5, [mediatype.OCI_IMAGE]])
def test_a_type_in_the_document_that_is_no_string_is_refused(declared):
    refusal(image(mediaType=declared))


@pytest.mark.parametrize("media_type", sorted(mediatype.SCHEMA1))
def test_docker_schema_1_is_refused_with_the_way_out(media_type):
    old = {"schemaVersion": 1, "name": "a", "tag": "b", "architecture": "c", "fsLayers": [], "history": []}
    assert "schema 1" in refusal(old, media_type).text
    assert "schema 1" in refusal(old).text
    assert "schema 1" in refusal(old | {"mediaType": media_type}).text


# Ambiguity (CVE-2021-41190).


@pytest.mark.parametrize(
    "document",
    [
        image(manifests=[ENTRY]),
        image(manifests=[]),
        image(blobs=[LAYER]),
        index(layers=[LAYER]),
        index(layers=[]),
        index(config=CONFIG),
        index(blobs=[]),
        artifact(layers=[]),
        artifact(manifests=[]),
        artifact(config=CONFIG),
    ],
)
@pytest.mark.parametrize("typed", [True, False])
def test_a_document_that_could_be_read_as_two_kinds_is_refused(document, typed):
    for content_type in ("", *sorted(mediatype.MANIFESTS)):
        refusal(document if typed else without(document, "mediaType"), content_type)


@pytest.mark.parametrize(
    "name",
    [
        "Layers",
        "LAYERS",
        "Manifests",
        "mediatype",
        "MediaType",
        "SchemaVersion",
        "Config",
        "Subject",
        "layer\u017f",
        "\u017fubject",
        "Annotations",
        "artifacttype",
        "BLOBS",
    ],
)
@pytest.mark.parametrize("document", [image(), index(), artifact()])
def test_a_member_that_go_would_read_as_another_is_refused(document, name):
    assert refusal(document | {name: None}).detail["found"] == name


@pytest.mark.parametrize("document", [image(), index()])
@pytest.mark.parametrize("version", [None, 0, 1, 3, -2, 2.0, "2", True, [2], {}, 2**70])
def test_a_schema_version_other_than_2_is_refused(document, version):
    refusal(document | {"schemaVersion": version})


def test_a_missing_schema_version_is_refused():
    assert "schemaVersion" in refusal(without(image(), "schemaVersion")).text
    assert "schemaVersion" in refusal(without(index(), "schemaVersion")).text
    refusal(artifact(schemaVersion=1))


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (without(image(), "config"), ["config"]),
        (without(image(), "layers"), ["layers"]),
        (without(image(), "config", "layers"), ["config", "layers"]),
        (image(config=None), ["config"]),
        (without(index(), "manifests"), ["manifests"]),
    ],
)
def test_an_incomplete_document_is_refused_with_what_it_lacks(document, missing):
    assert refusal(document).detail["missing"] == missing


@pytest.mark.parametrize("document", [{}, {"schemaVersion": 2}, {"schemaVersion": 2, "blobs": []}, {"a": 1}])
def test_a_document_of_no_shape_is_refused(document):
    refusal(document)
    for content_type in mediatype.MANIFESTS:
        refusal(document, content_type)


# Descriptors.


@pytest.mark.parametrize(
    "bad",
    [
        {"digest": "sha256:short"},
        {"digest": "sha256:../../x"},
        {"digest": A.upper()},
        {"digest": A + "\n"},
        {"digest": "sha384:" + "a" * 96},
        {"digest": ""},
        {"digest": None},
        {"digest": 5},
        {"digest": [A]},
        {"size": None},
        {"size": -1},
        {"size": 3.0},
        {"size": 3.5},
        {"size": True},
        {"size": "3"},
        {"size": []},
        {"size": MAX_SIZE + 1},
        {"size": 2**64},
        {"size": 10**400},
        {"mediaType": None},
        {"mediaType": ""},
        {"mediaType": 5},
        {"urls": "https://x"},
        {"urls": [5]},
        {"urls": [None]},
        {"urls": {}},
        {"annotations": []},
        {"annotations": "a"},
        {"annotations": {"a": 1}},
        {"annotations": {"a": None}},
        {"artifactType": 5},
        {"platform": "linux"},
        {"platform": {"os": 5}},
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        lambda one: image(config=one),
        lambda one: image(layers=[LAYER, one]),
        lambda one: index(manifests=[one]),
        lambda one: artifact(blobs=[one]),
        lambda one: image(subject=one),
        lambda one: index(subject=one),
    ],
)
def test_a_bad_descriptor_is_refused_wherever_it_stands(bad, place):
    refusal(place(LAYER | bad))


@pytest.mark.parametrize("name", ["digest", "size", "mediaType"])
def test_a_descriptor_that_lacks_something_is_refused(name):
    assert name in refusal(image(layers=[without(LAYER, name)])).text


def test_a_refusal_says_where_the_fault_is():
    error = refusal(image(layers=[LAYER, LAYER | {"digest": "x"}]))
    assert error.text.endswith("layers")
    assert error.detail == "x"
    assert "layers[1].size" in refusal(image(layers=[LAYER, LAYER | {"size": -1}])).text
    assert "subject" in refusal(image(subject=LAYER | {"digest": "x"})).text


@pytest.mark.parametrize(
    "document",
    [
        image(layers={}),
        image(layers="x"),
        image(layers=[None]),
        image(layers=[[]]),
        image(config=[]),
        image(config="x"),
        image(config={}),
        index(manifests={"a": ENTRY}),
        index(manifests=[5]),
        image(subject=[]),
        image(subject={}),
        image(annotations=[]),
        image(annotations={"a": 5}),
        image(artifactType=5),
    ],
)
def test_members_of_the_wrong_kind_are_refused(document):
    refusal(document)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"layers":NaN}', b"[" * 100_000, b'{"a":1,"a":2}', b'{"a":"\\ud800"}'],
)
def test_what_is_no_strict_json_object_is_refused(content):
    refusal(content)
    refusal(content, mediatype.OCI_IMAGE)


# The same bytes, the same type.

VALUE = st.sampled_from([None, [], {}, 2, 1, "", "x", CONFIG, [LAYER], [ENTRY], *sorted(mediatype.MANIFESTS)])
NAMES = [
    "schemaVersion",
    "mediaType",
    "config",
    "layers",
    "manifests",
    "blobs",
    "subject",
    "artifactType",
    "annotations",
    "x",
]
LOOSE = st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=6)
NEAR = st.builds(lambda base, change: base | change, st.sampled_from([image(), index(), artifact(), {}]), LOOSE)


@settings(max_examples=300)
@given(NEAR, st.sampled_from(["", *sorted(mediatype.MANIFESTS)]))
def test_whatever_is_taken_has_the_same_type_when_only_the_bytes_are_left(document, content_type):
    content = raw(document)
    try:
        manifest = parse(content, content_type)
    except ManifestInvalid:
        return
    assert content_type in {"", manifest.media_type}
    assert parse(manifest.raw) == manifest
    assert not (manifest.blobs and manifest.manifests)


@settings(max_examples=200)
@given(st.data())
def test_a_mutilated_manifest_is_taken_or_refused_and_never_crashes(data):
    content = bytearray(raw(data.draw(st.sampled_from([image(), index(), artifact()]))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        content = content or bytearray(b"{")
    try:
        manifest = parse(bytes(content))
    except ManifestInvalid:
        return
    assert parse(manifest.raw) == manifest
