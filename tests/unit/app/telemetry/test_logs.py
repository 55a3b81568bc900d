import io
import json
import logging
from dataclasses import replace

import pytest

from app.api.accesslog import AccessRecord
from app.oci.reference import RepositoryName
from app.telemetry.access import AccessLines
from app.telemetry.logs import configure, line_logger

RECORD = AccessRecord(
    method="GET",
    route="/v2/{name}/tags/list",
    path="/v2/a/tags/list",
    status=200,
    received=1,
    sent=2,
    duration=0.0125,
    repository="a",
    code="",
    request_id="id-1",
    trace="",
    remote="192.0.2.1",
    user_agent='curl "7"',
)


@pytest.fixture
def stream():
    """Where the lines go; afterwards logging is as it was."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:], logging.getLogger("asyncio").level)
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.getLogger("asyncio").setLevel(before[2])


def test_text_lines_are_key_and_value_and_quoted_where_they_would_be_ambiguous(stream):
    configure("info", "text", {"service": "registry"}, stream)
    logging.getLogger("a.b").warning("two words", extra={"path": 'x"y\nz', "count": 3})
    line = stream.getvalue()
    assert ' level=warning msg="two words" ' in line
    assert 'path="x\\"y\\nz" count=3 ' in line
    assert "service=registry" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("formatter", "time", "message"), [("json", "time", "msg"), ("logstash", "@timestamp", "message")]
)
def test_json_lines_have_the_names_that_the_go_registry_gives_them(stream, formatter, time, message):
    configure("info", formatter, {"service": "registry"}, stream)
    logging.getLogger("a.b").info("hello %s", "you")
    line = json.loads(stream.getvalue())
    assert line[message] == "hello you"
    assert line["level"] == "info"
    assert line["service"] == "registry"
    assert line[time].endswith("Z")


def test_what_is_below_the_level_is_dropped(stream):
    configure("warn", "text", {}, stream)
    logging.getLogger("a").info("quiet")
    logging.getLogger("a").error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_a_traceback_stays_on_its_line(stream):
    configure("info", "text", {}, stream)
    try:
        int("boom")
    except ValueError:
        logging.getLogger("a").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: invalid literal" in stream.getvalue()


def test_a_field_whose_name_has_blanks_cant_break_a_line_apart(stream):
    configure("info", "text", {"data center": "x y"}, stream)
    logging.getLogger("a").info("hello")
    assert 'data_center="x y"' in stream.getvalue()


def test_the_access_line_has_the_go_registrys_names_and_leaves_out_what_is_empty(stream):
    AccessLines(line_logger("json", {"service": "registry"}, stream))(RECORD)
    line = json.loads(stream.getvalue())
    line.pop("time")
    assert line == {
        "level": "info",
        "msg": "response completed",
        "service": "registry",
        "http.request.id": "id-1",
        "http.request.method": "GET",
        "http.request.uri": "/v2/a/tags/list",
        "http.request.read": 1,
        "http.request.remoteaddr": "192.0.2.1",
        "http.request.useragent": 'curl "7"',
        "http.response.status": 200,
        "http.response.written": 2,
        "http.response.duration": "12.500ms",
        "vars.name": "a",
    }


@pytest.mark.parametrize("formatter", ["text", "json", "logstash"])
def test_a_user_agent_that_is_no_utf_8_loses_no_line_and_starts_none(stream, formatter):
    agent = b'x" level=error\xff\x85\n'.decode("utf-8", "surrogateescape")  # as aiohttp reads a header
    AccessLines(line_logger(formatter, {}, stream))(replace(RECORD, user_agent=agent))
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert 'x\\" level=error\\udcff' in line
    assert line.encode()


@pytest.mark.parametrize("formatter", ["text", "json", "logstash"])
def test_the_name_of_a_repository_is_logged_without_quotes_of_its_own(stream, formatter):
    AccessLines(line_logger(formatter, {}, stream))(replace(RECORD, repository=RepositoryName.parse("a/b")))
    line = stream.getvalue()
    assert "vars.name=a/b" in line.split() if formatter == "text" else json.loads(line)["vars.name"] == "a/b"
