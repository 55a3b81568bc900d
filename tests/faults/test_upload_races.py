"""Two processes of one host that go on with the same session at the same time."""

from __future__ import annotations

import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from app.oci.digest import Digest
from app.registry import layout
from tests.support.racer import Outcome, Standing, Told

TREE = Path(__file__).parents[2]
RACES = 1000


class Racers:
    """Two processes that share a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.racer", str(root)],
                cwd=TREE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(2)
        ]

    def race(self, *told: Told):
        """Let each do its own, at once, and return how it ended for each."""
        racers = self.processes[: len(told)]
        for process, what in zip(racers, told, strict=True):
            self.send(process, msgspec.json.encode(what, enc_hook=str))
        early = [self.hear(process) for process in racers]
        for process, answer in zip(racers, early, strict=True):
            if answer.what == "ready":
                self.send(process, b"go")
        return [
            self.hear(process) if answer.what == "ready" else answer
            for process, answer in zip(racers, early, strict=True)
        ]

    def alone(self, number: int, told: Told):
        """Let one of them do something."""
        if number % 2:
            self.processes.reverse()
        (outcome,) = self.race(told)
        return outcome

    @staticmethod
    def send(process, line: bytes) -> None:
        process.stdin.write(line + b"\n")
        process.stdin.flush()

    @staticmethod
    def hear(process) -> Outcome:
        return msgspec.json.decode(process.stdout.readline(), type=Outcome)

    def content(self, digest: Digest) -> bytes:
        return (self.root / layout.blob_data(digest).lstrip("/")).read_bytes()

    def leftovers(self) -> list[Path]:
        state = self.root / layout.UPLOADS.lstrip("/"), self.root / layout.PIECES.lstrip("/")
        return [path for folder in state for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def racers(tmp_path):
    racers = Racers(tmp_path)
    yield racers
    for process in racers.processes:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=20) == 0


def test_of_two_processes_one_wins_each_race_and_blobs_are_what_was_acknowledged(racers):
    for number in range(RACES):
        standing = Standing(str(uuid.uuid4()), datetime.now(UTC))
        before = b""
        if number % 2:  # the file is there already, and is extended under its lock
            before = b"first %d " % number
            standing = racers.alone(number, Told(standing, before)).standing
        bodies = [b"one %d" % number * (1 + number % 7), b"another %d" % number * (1 + number % 5)]
        outcomes = racers.race(*(Told(standing, body) for body in bodies))
        assert sorted(outcome.what for outcome in outcomes) == ["parked", "refused"]
        winner = next(outcome for outcome in outcomes if outcome.what == "parked")
        assert outcomes[0].standing == outcomes[1].standing == winner.standing
        content = before + bodies[outcomes.index(winner)]
        assert winner.standing.offset == len(content)
        digest = Digest.of(content)
        # One goes on while the other publishes: the blob is what its Location named, whoever comes first.
        closing, appending = racers.race(Told(winner.standing, digest=digest), Told(winner.standing, b" and more"))
        assert (closing.what, appending.what) in {("published", "unknown"), ("refused", "parked")}
        if appending.what == "parked":
            content += b" and more"
            digest = Digest.of(content)
            assert closing.standing == appending.standing
            assert racers.alone(number // 2, Told(appending.standing, digest=digest)).what == "published"
        assert racers.content(digest) == content
    assert racers.leftovers() == []
