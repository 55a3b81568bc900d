import pytest

from app.api.paths import Resource, RouteUnknown, match
from app.oci.errors import DigestInvalid, NameInvalid, TagInvalid

D = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("path", "resource", "name", "arguments"),
    [
        ("/", Resource.ROOT, None, ()),
        ("/v2/", Resource.BASE, None, ()),
        ("/v2", Resource.BASE, None, ()),
        ("/v2/_catalog", Resource.CATALOG, None, ()),
        ("/v2/_catalog/", Resource.CATALOG, None, ()),
        ("/v2/_oci/ext/discover", Resource.EXTENSIONS, None, ()),
        ("/v2/a/tags/list", Resource.TAGS, "a", ()),
        ("/v2/a/b/tags/list/", Resource.TAGS, "a/b", ()),
        ("/v2/a/manifests/latest", Resource.MANIFEST, "a", ("latest",)),
        (f"/v2/a/manifests/{D}", Resource.MANIFEST, "a", (D,)),
        (f"/v2/a/blobs/{D}", Resource.BLOB, "a", (D,)),
        (f"/v2/a/blobs/{D.replace(':', '%3A')}", Resource.BLOB, "a", (D,)),
        ("/v2/a/blobs/uploads/", Resource.UPLOADS, "a", ()),
        ("/v2/a/blobs/uploads", Resource.UPLOADS, "a", ()),
        ("/v2/a/blobs/uploads/x", Resource.UPLOAD, "a", ("x",)),
        (f"/v2/a/referrers/{D}", Resource.REFERRERS, "a", (D,)),
        # Names that are made of the API's own words.
        ("/v2/manifests/manifests/manifests", Resource.MANIFEST, "manifests", ("manifests",)),
        ("/v2/a/manifests/x/tags/list", Resource.TAGS, "a/manifests/x", ()),
        ("/v2/tags/list/tags/list", Resource.TAGS, "tags/list", ()),
        ("/v2/v2/v2/manifests/v2", Resource.MANIFEST, "v2/v2", ("v2",)),
        (f"/v2/a/blobs/uploads/blobs/{D}", Resource.BLOB, "a/blobs/uploads", (D,)),
        ("/v2/a/blobs/uploads/blobs/uploads/", Resource.UPLOADS, "a/blobs/uploads", ()),
        ("/v2/blobs/blobs/uploads/uploads", Resource.UPLOAD, "blobs", ("uploads",)),
        (f"/v2/referrers/referrers/{D}", Resource.REFERRERS, "referrers", (D,)),
        ("/v2/uploads/manifests/list", Resource.MANIFEST, "uploads", ("list",)),
    ],
)
def test_a_path_is_read_from_its_right_end(path, resource, name, arguments):
    target = match(path)
    assert (target.resource, target.repository, target.arguments) == (resource, name, arguments)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/x",
        "/v1/",
        "/v2x/",
        "/v22/a/tags/list",
        "/v2/a",
        "/v2/a/b",
        "/v2/a/b/c",
        "/v2/_x/ext/discover",
        "/v2/_catalog/x",
        "/v2/tags/list",
        "/v2/manifests/x",
        "/v2/a/tags/other",
        "/v2/uploads/x/y",
        "//v2/",
        "/v2/a/uploads/x",
        "/v2/_trust/tuf/manifests/x",
    ],
)
def test_nothing_is_served_elsewhere(path):
    with pytest.raises(RouteUnknown):
        match(path)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/v2/A/tags/list", NameInvalid),
        ("/v2/a//b/tags/list", NameInvalid),
        ("/v2//tags/list", NameInvalid),
        ("/v2/a/../b/tags/list", NameInvalid),
        ("/v2/%2e%2e/tags/list", NameInvalid),
        ("/v2/a%2fb/tags/list", NameInvalid),
        ("/v2/a%2Fmanifests%2Fx/tags/list", NameInvalid),
        ("/v2/a%00/tags/list", NameInvalid),
        ("/v2/a%252fb/tags/list", NameInvalid),
        ("/v2/a%ff/tags/list", NameInvalid),
        ("/v2/a%0a/tags/list", NameInvalid),
        ("/v2/a\u0661/tags/list", NameInvalid),
        (f"/v2/{'a' * 256}/tags/list", NameInvalid),
        ("/v2/a/manifests/-x", TagInvalid),
        ("/v2/a/manifests/x%2fy", TagInvalid),
        ("/v2/a/manifests/x%00", TagInvalid),
        ("/v2/a/manifests/x%0a", TagInvalid),
        (f"/v2/a/manifests/{'x' * 129}", TagInvalid),
        ("/v2/a/manifests/sha256:short", DigestInvalid),
        (f"/v2/a/blobs/{D.upper()}", DigestInvalid),
        ("/v2/a/blobs/x", DigestInvalid),
        ("/v2/a/blobs/md5:" + "0" * 32, DigestInvalid),
        ("/v2/a/referrers/latest", DigestInvalid),
    ],
)
def test_a_part_that_breaks_its_grammar_is_named(path, error):
    with pytest.raises(error):
        match(path)


def test_a_name_of_255_characters_is_the_longest():
    assert match(f"/v2/{'a' * 255}/tags/list").repository == "a" * 255


def test_a_prefix_shifts_everything_but_the_probe_of_the_balancer():
    assert match("/reg/v2/", "/reg").resource is Resource.BASE
    assert match("/reg/v2/a/tags/list", "/reg").repository == "a"
    assert match("/", "/reg").resource is Resource.ROOT
    assert match("/reg/", "/reg").resource is Resource.ROOT
    for path in ["/v2/", "/reg/x", "/regv2/", "/other/v2/"]:
        with pytest.raises(RouteUnknown):
            match(path, "/reg")
