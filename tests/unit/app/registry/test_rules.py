import re

import pytest

from app.oci.descriptor import Platform
from app.oci.errors import ManifestInvalid, ManifestTooLarge
from app.oci.manifest import parse
from app.registry.rules import ManifestRules, PlatformRule, Reference, UrlRules
from cache.contract import LinkKind
from tests.support.pushes import LAYER_TYPE, descriptor, image, index, sha256

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
EXAMPLE = re.compile(r"^https://layers\.example\.com/")
SECRET = re.compile("secret")


def foreign_image(*urls, media_type=FOREIGN):
    layer = descriptor(b"windows", media_type)
    if urls:
        layer["urls"] = list(urls)
    return parse(image(b"{}", layers=[layer]))


@pytest.mark.parametrize(
    ("rules", "url", "accepted"),
    [
        (UrlRules(), "https://layers.example.com/a", False),
        (UrlRules(allow=(EXAMPLE,)), "https://layers.example.com/a", True),
        (UrlRules(allow=(EXAMPLE,)), "https://elsewhere.example.com/a", False),
        (UrlRules(allow=(re.compile("nowhere"), EXAMPLE)), "https://layers.example.com/a", True),
        (UrlRules(allow=(EXAMPLE,), deny=(SECRET,)), "https://layers.example.com/secret", False),
        (UrlRules(deny=(SECRET,)), "https://anywhere.example.com/a", True),
        (UrlRules(deny=(SECRET,)), "https://anywhere.example.com/secret", False),
        (UrlRules(anywhere=True), "http://anywhere.example.com/a?b=c", True),
        (UrlRules(anywhere=True), "ftp://anywhere.example.com/a", False),
        (UrlRules(anywhere=True), "file:///etc/passwd", False),
        (UrlRules(anywhere=True), "javascript:alert(1)", False),
        (UrlRules(anywhere=True), "https://anywhere.example.com/a#fragment", False),
        (UrlRules(anywhere=True), "https://anywhere.example.com/a b", False),
        (UrlRules(anywhere=True), "https://anywhere.example.com/\n", False),
        (UrlRules(anywhere=True), "http://[::1/", False),
        (UrlRules(anywhere=True), "https:///no-host", False),
        (UrlRules(anywhere=True), "", False),
    ],
)
def test_a_url_is_accepted_only_if_it_is_plain_http_allowed_and_not_denied(rules, url, accepted):
    assert rules.accepts(url) is accepted


def test_a_refused_url_is_an_invalid_manifest_that_names_it():
    manifest = foreign_image("https://layers.example.com/a", "https://evil.example.com/b")
    with pytest.raises(ManifestInvalid) as caught:
        ManifestRules(urls=UrlRules(allow=(EXAMPLE,))).check_urls(manifest)
    assert caught.value.detail == [{"digest": sha256(b"windows"), "url": "https://evil.example.com/b"}]


def test_urls_of_an_ordinary_layer_are_checked_too():
    with pytest.raises(ManifestInvalid):
        ManifestRules().check_urls(foreign_image("https://layers.example.com/a", media_type=LAYER_TYPE))


def test_a_layer_that_lives_elsewhere_need_not_be_here():
    rules = ManifestRules(urls=UrlRules(anywhere=True))
    manifest = foreign_image("https://layers.example.com/a")
    rules.check_urls(manifest)
    assert [reference.digest for reference in rules.references_of(manifest)] == [sha256(b"{}")]


def test_a_foreign_layer_without_urls_must_be_here_as_nobody_could_fetch_it():
    digests = [reference.digest for reference in ManifestRules().references_of(foreign_image())]
    assert digests == [sha256(b"{}"), sha256(b"windows")]


def test_references_come_once_and_in_the_order_of_the_document():
    manifest = parse(image(b"{}", b"one", b"two", b"one", annotations={"a": "b"}))
    assert ManifestRules().references_of(manifest) == (
        Reference(LinkKind.LAYER, sha256(b"{}"), 2),
        Reference(LinkKind.LAYER, sha256(b"one"), 3),
        Reference(LinkKind.LAYER, sha256(b"two"), 3),
    )


def test_a_subject_never_has_to_exist():
    manifest = parse(image(b"{}", subject=descriptor(b"nothing", "application/vnd.oci.image.manifest.v1+json")))
    assert [reference.digest for reference in ManifestRules().references_of(manifest)] == [sha256(b"{}")]


def platform_index(*platforms):
    children = [image(str(number).encode()) for number in range(len(platforms))]
    entries = [
        descriptor(child, "application/vnd.oci.image.manifest.v1+json")
        | (
            {}
            if platform is None
            else {"platform": dict(zip(("os", "architecture"), platform.split("/"), strict=True))}
        )
        for child, platform in zip(children, platforms, strict=True)
    ]
    return parse(index(manifests=entries)), [sha256(child) for child in children]


@pytest.mark.parametrize(
    ("rule", "asked"),
    [(PlatformRule.ALL, [0, 1, 2]), (PlatformRule.NONE, []), (PlatformRule.LIST, [1])],
)
def test_the_platform_rule_says_which_entries_of_an_index_must_be_here(rule, asked):
    manifest, children = platform_index("linux/amd64", "linux/arm64", None)
    rules = ManifestRules(platforms=rule, platform_list=frozenset({Platform("arm64", "linux")}))
    assert [reference.digest for reference in rules.references_of(manifest)] == [children[number] for number in asked]
    assert all(reference.kind is LinkKind.MANIFEST for reference in rules.references_of(manifest))


def test_an_entry_that_is_no_manifest_is_not_asked_for():
    entries = [descriptor(b"layer", LAYER_TYPE), descriptor(b"{}", "application/vnd.buildkit.cacheconfig.v0")]
    assert ManifestRules().references_of(parse(index(manifests=entries))) == ()


def test_four_mebibytes_are_accepted_and_not_a_byte_more():
    ManifestRules().check_size(4 * 1024 * 1024)
    with pytest.raises(ManifestTooLarge):
        ManifestRules().check_size(4 * 1024 * 1024 + 1)
    ManifestRules(max_size=10).check_size(10)
    with pytest.raises(ManifestTooLarge):
        ManifestRules(max_size=10).check_size(11)
