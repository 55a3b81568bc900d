import pytest

from app.config.load import ConfigurationError, load


@pytest.fixture
def problems(tmp_path):
    def read(text):
        path = tmp_path / "config.yml"
        path.write_text(f"version: 0.1\nstorage: {{inmemory: }}\n{text}\n")
        try:
            load(path, {})
        except ConfigurationError as error:
            return list(error.problems)
        return []

    return read


@pytest.mark.parametrize("address", [":5000", "localhost:0", "[::1]:80", "1.2.3.4:65535", "registry_1:5000"])
def test_an_address_is_host_and_port(problems, address):
    assert problems(f"http: {{addr: '{address}'}}") == []


@pytest.mark.parametrize("address", ["localhost", "5000", ":65536", ":x", "::1:5000", "[::1:5000", "http://a:1"])
def test_an_address_that_is_none_is_found_before_anything_is_opened(problems, address):
    (problem,) = problems(f"http: {{addr: '{address}'}}")
    assert problem.startswith("http.addr: ")


def test_the_address_of_a_unix_socket_is_a_path(problems):
    assert problems("http: {net: unix, addr: /run/registry.sock}") == []


@pytest.mark.parametrize("host", ["https://r.example.com", "http://localhost:5000/", "https://[::1]:1/below"])
def test_a_host_is_a_url(problems, host):
    assert problems(f"http: {{host: '{host}'}}") == []


@pytest.mark.parametrize("host", ["r.example.com", "r:5000", "//r", "ftp://r", "https://", "https://r/?x", "https://["])
def test_a_host_without_its_scheme_would_make_broken_locations(problems, host):
    (problem,) = problems(f"http: {{host: '{host}'}}")
    assert problem.startswith("http.host: ")


@pytest.mark.parametrize("prefix", ["/a b/", "/a?b", "/ä/", "/%2f/"])
def test_a_prefix_that_no_request_could_have_is_refused(problems, prefix):
    (problem,) = problems(f"http: {{prefix: '{prefix}'}}")
    assert problem.startswith("http.prefix: ")


@pytest.mark.parametrize(
    "header",
    ['"X Y": [a]', '"": [a]', 'X: ["a\\nb"]', 'X: [a, "\\0"]', "Content-Length: [5]", "content-type: [a]", "ETag: [a]"],
)
def test_a_header_that_would_break_every_answer_is_refused(problems, header):
    (problem,) = problems(f"http: {{headers: {{{header}}}}}")
    assert problem.startswith("http.headers")


def test_a_header_of_any_other_name_is_taken(problems):
    assert problems("http: {headers: {X-Content-Type-Options: [nosniff], Server: [a], X-Name: [é]}}") == []


@pytest.mark.parametrize("limit", ["manifestsize: 0", "headertimeout: 0s", "idletimeout: 0"])
def test_a_limit_of_nothing_would_refuse_everything(problems, limit):
    (problem,) = problems(f"moorage: {{limits: {{{limit}}}}}")
    assert problem == f"moorage.limits.{limit.partition(':')[0]}: must be more than 0"


@pytest.mark.parametrize("text", ["http: {addr: ':1', addr: ':2'}", "http: {addr: ':1'}\nhttp: {prefix: /a/}"])
def test_a_key_that_stands_twice_loses_no_setting_silently(problems, text):
    (problem,) = problems(text)
    assert "twice" in problem


def test_a_key_that_is_no_text_is_no_yaml_of_ours(problems):
    (problem,) = problems("? [a, b]\n: c")
    assert "not YAML" in problem
