import pytest

from tests.support.pushes import push_image, sha256
from tests.support.running import configuration, running
from tests.support.wire import head

D = sha256(b"nothing")


async def test_the_api_says_that_it_is_there(wire):
    for target in ["/v2/", "/v2"]:
        answer = await wire("GET", target)
        assert (answer.status, answer.body) == (200, b"{}")
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Docker-Distribution-API-Version"] == "registry/2.0"
    assert (await wire("HEAD", "/v2/")).headers["Content-Length"] == "2"


async def test_balancers_get_an_answer_at_the_root(wire):
    answer = await wire("GET", "/")
    assert (answer.status, answer.body) == (200, b"")


async def test_extensions_can_be_listed_and_there_are_none(wire):
    assert (await wire("GET", "/v2/_oci/ext/discover")).json == {"extensions": []}


@pytest.mark.parametrize(
    "target", ["/x", "/v2/a", "/v2/a/b/c", "/v1/_ping", "/v2/_other/ext", "/v2/a/_x/y/z", "http://elsewhere/x"]
)
async def test_unrouted_paths_get_an_error_document(wire, target):
    answer = await wire("GET", target)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.codes == ["UNSUPPORTED"]
    assert (await wire("HEAD", target)).body == b""


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/v2/UPPER/tags/list", "NAME_INVALID"),
        (f"/v2/{'a' * 256}/tags/list", "NAME_INVALID"),
        ("/v2/a%2fb/tags/list", "NAME_INVALID"),
        ("/v2/a%00/tags/list", "NAME_INVALID"),
        ("/v2/a/manifests/.x", "TAG_INVALID"),
        ("/v2/a/manifests/sha256:short", "DIGEST_INVALID"),
        ("/v2/a/blobs/sha257:" + "0" * 64, "DIGEST_INVALID"),
    ],
)
async def test_a_bad_name_tag_or_digest_is_400_and_never_500(wire, target, code):
    answer = await wire("GET", target)
    assert (answer.status, answer.codes) == (400, [code])


async def test_an_absolute_target_is_understood(wire):
    assert (await wire("GET", "http://registry.test/v2/")).body == b"{}"


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/v2/", "GET, HEAD, OPTIONS"),
        ("/v2/a/tags/list", "GET, HEAD, OPTIONS"),
        ("/v2/a/manifests/x", "GET, HEAD, PUT, DELETE, OPTIONS"),
        (f"/v2/a/blobs/{D}", "GET, HEAD, DELETE, OPTIONS"),
        ("/v2/a/blobs/uploads/", "POST, OPTIONS"),
        ("/v2/a/blobs/uploads/x", "GET, HEAD, PATCH, PUT, DELETE, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(wire, target, allow):
    answer = await wire("TRACE", target)
    assert (answer.status, answer.codes, answer.headers["Allow"]) == (405, ["UNSUPPORTED"], allow)
    options = await wire("OPTIONS", target)
    assert (options.status, options.headers["Allow"]) == (204, allow)


async def test_configured_headers_are_on_every_answer_errors_included(tmp_path):
    headers = {
        "X-Content-Type-Options": ("nosniff",),
        "Access-Control-Allow-Origin": ("https://ui",),
        "X-Two": ("a", "b"),
    }
    async with running(configuration("inmemory", tmp_path, headers=headers)) as wire:
        for method, target in [
            ("GET", "/v2/"),
            ("GET", "/x"),
            ("PATCH", "/v2/"),
            ("OPTIONS", "/v2/a/tags/list"),
            ("GET", "/v2/A/tags/list"),
        ]:
            answer = await wire(method, target)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers.getall("X-Two") == ["a", "b"]


async def test_a_preflight_is_answered_with_what_is_configured(tmp_path):
    headers = {"Access-Control-Allow-Origin": ("https://ui",), "Access-Control-Allow-Headers": ("Authorization",)}
    async with running(configuration("inmemory", tmp_path, headers=headers)) as wire:
        answer = await wire(
            "OPTIONS", "/v2/a/tags/list", ("Origin", "https://ui"), ("Access-Control-Request-Method", "GET")
        )
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://ui"
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


async def test_the_request_id_and_the_trace_of_the_client_come_back(wire):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await wire("GET", "/v2/", ("X-Request-ID", "mine"), ("traceparent", trace))
    assert (answer.headers["X-Request-ID"], answer.headers["traceparent"]) == ("mine", trace)
    forged = await wire("GET", "/x", ("X-Request-ID", "a b"), ("traceparent", "rubbish"))
    assert forged.headers["X-Request-ID"] not in {"", "a b"}
    assert "traceparent" not in forged.headers


async def test_one_record_is_made_of_each_request(config):
    records = []
    async with running(config, records=records) as wire:
        await push_image(wire, "a/b", "latest", b"layer")
        records.clear()
        await wire("GET", "/v2/a/b/manifests/latest?secret=1", ("User-Agent", "test/1"), ("X-Request-ID", "me"))
        await wire("GET", f"/v2/a/b/blobs/{D}")
        await wire("GET", "/nowhere")
        await wire("POST", f"/v2/a/b/blobs/uploads/?digest={sha256(b'12345')}", body=b"12345")
    pull, missing, nowhere, push = records
    assert (pull.method, pull.route, pull.path) == (
        "GET",
        "/v2/{name}/manifests/{reference}",
        "/v2/a/b/manifests/latest",
    )
    assert (pull.status, pull.repository, pull.user_agent, pull.request_id) == (200, "a/b", "test/1", "me")
    assert pull.sent > 0
    assert pull.remote == "127.0.0.1"
    assert (missing.status, missing.code) == (404, "BLOB_UNKNOWN")
    assert (nowhere.status, nowhere.route, nowhere.repository) == (404, "", "")
    assert (push.status, push.received) == (201, 5)


async def test_many_requests_share_a_connection(wire):
    async with wire.connect() as connection:
        for _ in range(3):
            await connection.send(head("GET", "/v2/"))
            assert (await connection.answer()).status == 200
        await connection.send(head("GET", "/v2/") * 3)
        for _ in range(3):
            assert (await connection.answer()).body == b"{}"


async def test_every_word_of_the_api_can_be_a_name(wire):
    for name in [
        "blobs",
        "manifests",
        "tags",
        "v2",
        "uploads",
        "referrers",
        "tags/list",
        "manifests/x",
        "blobs/uploads",
        "v2/v2",
        "a/referrers",
    ]:
        manifest = await push_image(wire, name, "list", b"layer of " + name.encode())
        assert (await wire("GET", f"/v2/{name}/manifests/list")).body == manifest
        assert (await wire("GET", f"/v2/{name}/tags/list")).json == {"name": name, "tags": ["list"]}
