"""What is said of a failure: it ends up in a log, and somebody has to make something of it."""

import asyncio

import aiohttp
import pytest
from botocore.exceptions import ClientError

from drivers.s3.faults import translate


@pytest.mark.parametrize(
    "error", [TimeoutError(), aiohttp.ServerDisconnectedError(""), OSError(), ConnectionResetError()]
)
def test_the_reason_of_a_failure_is_never_empty(error):
    said = str(translate(error, "/file"))
    assert said.startswith("/file: ")
    assert said.removeprefix("/file: ").strip()


async def test_a_request_that_takes_too_long_is_said_to():
    with pytest.raises(TimeoutError) as timeout:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    assert str(translate(timeout.value, "/file")) == "/file: no answer in time"


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "PreconditionFailed", "Odd"])
def test_an_answer_is_told_in_the_stores_words_without_the_sdks_count_of_its_tries(code):
    answer = {
        "Error": {"Code": code, "Message": "not now"},
        "ResponseMetadata": {"HTTPStatusCode": 503 if code == "SlowDown" else 400, "MaxAttemptsReached": True},
    }
    said = str(translate(ClientError(answer, "PutObject"), "/file"))
    assert "/file: PutObject was answered " in said
    assert code in said
    assert said.endswith(": not now")
    assert "retries" not in said
