import pytest

from app.api.identity import request_id, trace_parent

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("given", ["abc", "2f1c:7/8+9=@._-", "x" * 128])
def test_a_sound_request_id_is_kept(given):
    assert request_id({"X-Request-ID": given}, lambda: "new") == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\nb", 'a"b', "é", "a\x00"])
def test_an_id_that_could_forge_a_log_line_is_replaced(given):
    assert request_id({"X-Request-ID": given}, lambda: "new") == "new"


def test_a_sound_trace_is_kept():
    assert trace_parent({"traceparent": TRACE}) == TRACE


@pytest.mark.parametrize(
    "given",
    [
        "",
        TRACE.upper(),
        TRACE + "-",
        "ff" + TRACE[2:],
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
        TRACE[:-1],
    ],
)
def test_a_broken_trace_is_dropped(given):
    assert trace_parent({"traceparent": given}) == ""
