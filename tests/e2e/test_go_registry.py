"""One store, two registries in turn: what one writes the other serves, and what one deletes the other does not have."""

from __future__ import annotations

import json

import pytest

from app.oci.mediatype import OCI_IMAGE
from tests.support import images
from tests.support.goregistry import DEBIAN, V3
from tests.support.plainhttp import MANIFESTS, expect, with_digest
from tests.support.pushes import sha512
from tests.support.twins import STORES, twins

pytestmark = pytest.mark.e2e

TYPES = {"Accept": ", ".join(MANIFESTS)}
DEEP = "team/project/part/deep"


@pytest.fixture(params=[DEBIAN, pytest.param(V3, marks=pytest.mark.long)])
def program(request):
    return request.param


@pytest.fixture(params=STORES)
def pair(request, program, tmp_path):
    with twins(request.param, program, tmp_path) as pair:
        yield pair


@pytest.fixture
def turn(pair):
    """Give the store to one of the two, until it is given to another."""
    return lambda who: pair.go() if who == "go" else pair.moorage()


def begin(registry, repository, query=""):
    begun = registry.request("POST", f"/v2/{repository}/blobs/uploads/{query}", {"Content-Length": "0"})
    expect(begun, 202)
    return begun.headers["location"]


def push_as_docker(registry, repository, content):
    patched = registry.request("PATCH", begin(registry, repository), body=iter([content[:1000], content[1000:]]))
    expect(patched, 202)
    expect(registry.request("PUT", with_digest(patched.headers["location"], images.sha256(content))), 201)


def push_in_chunks(registry, repository, content, size):
    location = begin(registry, repository)
    for start in range(0, len(content), size):
        chunk = content[start : start + size]
        headers = {"Content-Range": f"{start}-{start + len(chunk) - 1}", "Content-Type": "application/octet-stream"}
        answer = registry.request("PATCH", location, headers, chunk)
        expect(answer, 202)
        location = answer.headers["location"]
    expect(registry.request("PUT", with_digest(location, images.sha256(content))), 201)


def push_all_ways(registry, prefix, seed):
    """Push in every way that both know, and return what must be there: images by repository and tag, blobs."""
    image, other, index = images.image(seed), images.image(seed + 1, docker=True), images.index(seed + 2)
    listed = images.index(seed + 4, docker=True)
    pushed = {(f"{prefix}/{DEEP}", "v1"): image, (f"{prefix}/plain", "1.0"): other, (f"{prefix}/plain", "1.0-x"): other}
    pushed |= {(f"{prefix}/plain", "multi"): index, (f"{prefix}/{DEEP}", "listed"): listed}
    for (repository, tag), one in pushed.items():
        registry.push(repository, one, tag)
    large = images.archive(seed, 11 << 20)
    push_as_docker(registry, f"{prefix}/plain", large)
    chunked = images.archive(seed + 1, 6 << 20)
    push_in_chunks(registry, f"{prefix}/plain", chunked, 2 << 20)
    mount = f"?mount={images.sha256(large)}&from={prefix}/plain"
    mounted = registry.request("POST", f"/v2/{prefix}/mounted/blobs/uploads/{mount}", {"Content-Length": "0"})
    expect(mounted, 201)
    blobs = [(f"{prefix}/plain", large), (f"{prefix}/plain", chunked), (f"{prefix}/mounted", large)]
    return pushed, blobs


def differences(registry, pushed, blobs):
    """What the other does not serve as it was pushed: documents, blobs, heads, lists of tags."""
    found = []
    for (repository, tag), image in pushed.items():
        found += registry.differences(repository, image, tag)
        head = registry.request("HEAD", f"/v2/{repository}/manifests/{tag}", TYPES)
        if (head.status, head.headers.get("docker-content-digest")) != (200, image.digest):
            found.append(f"HEAD of {repository}:{tag}: {head}")
    for repository, content in blobs:
        path = f"/v2/{repository}/blobs/{images.sha256(content)}"
        head, whole = registry.request("HEAD", path), registry.request("GET", path)
        part = registry.request("GET", path, {"Range": "bytes=5-99"})
        if (head.status, int(head.headers["content-length"])) != (200, len(content)):
            found.append(f"HEAD {path}: {head}")
        if (whole.status, whole.body) != (200, content) or (part.status, part.body) != (206, content[5:100]):
            found.append(f"GET {path}: {whole.status} with {len(whole.body)} bytes, {part.status}")
    for repository in {repository for repository, _ in pushed}:
        tags = sorted(tag for name, tag in pushed if name == repository)
        listed = registry.request("GET", f"/v2/{repository}/tags/list").json()["tags"]
        if sorted(listed) != tags:  # 2.8 lists them in no order
            found.append(f"the tags of {repository} are not {tags}")
    return found


def catalog(registry):
    return set(registry.request("GET", "/v2/_catalog?n=100").json()["repositories"])


def names(pushed):
    return {repository for repository, _ in pushed}


@pytest.mark.timeout(240)
def test_a_store_is_served_by_both_in_turn(turn):
    go = turn("go")
    theirs, their_blobs = push_all_ways(go, "theirs", 1)

    ours = turn("moorage")
    assert differences(ours, theirs, their_blobs) == []
    assert catalog(ours) == names(theirs)
    pushed, blobs = push_all_ways(ours, "ours", 101)
    at_once = images.archive(7, 70_000)
    whole = f"/v2/ours/plain/blobs/uploads/?digest={images.sha256(at_once)}"
    expect(ours.request("POST", whole, body=at_once), 201)
    alias = images.archive(8, 70_000)
    expect(ours.request("POST", f"/v2/ours/plain/blobs/uploads/?digest={sha512(alias)}", body=alias), 201)
    # Into a repository of theirs, over a tag of theirs, and from one of theirs.
    moved = images.image(201)
    ours.push("theirs/plain", moved, "1.0")
    theirs["theirs/plain", "1.0"] = moved
    first = their_blobs[0][1]
    mount = f"/v2/ours/mounted/blobs/uploads/?mount={images.sha256(first)}&from=theirs/plain"
    expect(ours.request("POST", mount, {"Content-Length": "0"}), 201)
    blobs += [("ours/plain", at_once), ("ours/mounted", first)]

    go = turn("go")
    assert differences(go, pushed | theirs, blobs + their_blobs) == []
    assert catalog(go) >= names(pushed | theirs)
    by_alias = go.request("GET", f"/v2/ours/plain/blobs/{sha512(alias)}")
    assert (by_alias.status, by_alias.body) == (200, alias)
    again = images.image(202)
    go.push("ours/plain", again, "1.0")
    pushed["ours/plain", "1.0"] = again

    ours = turn("moorage")
    assert differences(ours, pushed | theirs, blobs + their_blobs) == []
    assert catalog(ours) == names(pushed | theirs)


@pytest.mark.parametrize(("pushing", "deleting"), [("go", "moorage"), ("moorage", "go")])
def test_what_one_deletes_the_other_does_not_have(turn, pushing, deleting):
    image, kept = images.image(11), images.image(12)
    content, shared = images.archive(13, 200_000), images.archive(14, 200_000)
    one = turn(pushing)
    for tag in ("gone", "also-gone"):
        one.push(f"x/{DEEP}", image, tag)
    one.push(f"x/{DEEP}", kept, "kept")
    for repository, blob in ((f"x/{DEEP}", content), (f"x/{DEEP}", shared), ("x/other", shared)):
        one.push_blob(repository, blob)

    other = turn(deleting)
    paths = [f"/v2/x/{DEEP}/manifests/{image.digest}"]
    paths += [f"/v2/x/{DEEP}/blobs/{images.sha256(blob)}" for blob in (content, shared)]
    for path in paths:
        expect(other.request("DELETE", path), 202)
    gone = [*paths, f"/v2/x/{DEEP}/manifests/gone", f"/v2/x/{DEEP}/manifests/also-gone"]
    rest = ({(f"x/{DEEP}", "kept"): kept}, [("x/other", shared)])
    assert differences(other, *rest) == []

    one = turn(pushing)
    assert [one.request("GET", path, TYPES).status for path in gone] == [404] * 5
    assert differences(one, *rest) == []
    one.push(f"x/{DEEP}", image, "gone")  # and it can be had back
    assert one.differences(f"x/{DEEP}", image, "gone") == []


def test_a_tag_deleted_here_is_gone_there(turn):
    image = images.image(15)
    go = turn("go")
    for tag in ("kept", "gone"):
        go.push("x/y", image, tag)
    ours = turn("moorage")
    expect(ours.request("DELETE", "/v2/x/y/manifests/gone"), 202)
    go = turn("go")
    assert differences(go, {("x/y", "kept"): image}, []) == []
    assert go.request("GET", "/v2/x/y/manifests/gone", TYPES).status == 404


def test_an_artifact_that_was_pushed_there_is_listed_by_the_tag_that_its_client_wrote(turn):
    image = images.image(16)
    artifact = images.artifact(17, image)
    go = turn("go")
    go.push("x/y", image, "v1")
    go.push("x/y", artifact, artifact.digest)
    document = {"schemaVersion": 2, "mediaType": MANIFESTS[1], "manifests": [artifact.descriptor()]}
    fallback = f"/v2/x/y/manifests/{image.digest.replace(':', '-')}"
    expect(go.request("PUT", fallback, {"Content-Type": MANIFESTS[1]}, json.dumps(document).encode()), 201)
    ours = turn("moorage")
    listed = ours.request("GET", f"/v2/x/y/referrers/{image.digest}").json()["manifests"]
    assert [(entry["digest"], entry["mediaType"]) for entry in listed] == [(artifact.digest, OCI_IMAGE)]


def test_repositories_that_the_other_began_meanwhile_are_in_the_catalog_once_it_is_built_anew(pair):
    image = images.image(18)
    pair.moorage().push("first", image, "v1")
    pair.go().push("second", image, "v1")
    assert pair.moorage().request("GET", "/v2/second/manifests/v1", TYPES).body == image.manifest
    pair.stop()
    (pair.data / "moorage/v1/derived/repositories-built").unlink()
    assert catalog(pair.moorage()) == {"first", "second"}
