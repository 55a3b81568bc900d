import pytest

from app.registry.events import EventAction, Subject
from tests.support.pushes import push_image, sha256, sha512
from tests.support.running import configuration, running

LAYER = bytes(range(256)) * 1000


class Sink(list):
    def emit(self, event):
        self.append(event)

    @property
    def pulls(self):
        return [event for event in self if event.action is EventAction.PULL]


@pytest.fixture
async def told(driver, tmp_path):
    sink = Sink()
    async with running(configuration(driver, tmp_path), events=sink) as wire:
        manifest = await push_image(wire, "a/b", "v1", LAYER)
        yield wire, sink, manifest


async def test_a_blob_that_was_sent_is_told_as_a_pull(told):
    wire, sink, _ = told
    digest = sha256(LAYER)
    assert (await wire("GET", f"/v2/a/b/blobs/{digest}")).status == 200
    assert (await wire("GET", f"/v2/a/b/blobs/{digest}", ("Range", "bytes=0-1,9000-9001"))).status == 206
    assert (await wire("GET", f"/v2/a/b/blobs/{sha256(b'{}')}")).status == 200
    assert [(event.subject, event.repository, event.descriptor.digest) for event in sink.pulls] == [
        (Subject.BLOB, "a/b", digest),
        (Subject.BLOB, "a/b", digest),
        (Subject.BLOB, "a/b", sha256(b"{}")),
    ]


async def test_a_manifest_that_was_sent_is_told_as_a_pull_with_the_tag_that_was_asked_for(told):
    wire, sink, manifest = told
    await wire("GET", "/v2/a/b/manifests/v1")
    await wire("GET", f"/v2/a/b/manifests/{sha256(manifest)}")
    assert [(event.subject, event.tag, event.descriptor.digest) for event in sink.pulls] == [
        (Subject.MANIFEST, "v1", sha256(manifest)),
        (Subject.MANIFEST, None, sha256(manifest)),
    ]


async def test_what_moves_no_content_is_no_pull(told):
    wire, sink, manifest = told
    blob, tag = f"/v2/a/b/blobs/{sha256(LAYER)}", "/v2/a/b/manifests/v1"
    for method, target, *headers in [
        ("HEAD", blob),
        ("HEAD", tag),
        ("GET", blob, ("If-None-Match", f'"{sha256(LAYER)}"')),
        ("GET", tag, ("If-None-Match", f'"{sha256(manifest)}"')),
        ("GET", blob, ("If-Match", '"other"')),
        ("GET", tag, ("If-Match", '"other"')),
        ("GET", blob, ("Range", f"bytes={len(LAYER)}-")),
        ("GET", f"/v2/a/b/blobs/{sha512(LAYER)}"),
        ("GET", "/v2/a/b/manifests/v2"),
    ]:
        await wire(method, target, *headers)
    assert sink.pulls == []
