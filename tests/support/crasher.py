"""A process that does the client's work, or a purge, and dies at a chosen storage step, as often as it is told to.

Run as a program it forks for each line on its standard input, so that a crash costs no start of an interpreter. The line
is JSON: the storage's folder, the step, whether the step still happens, and whether to purge. The answer is JSON: the
acknowledgements before the end, and how it ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.main import purging, registry
from tests.support.running import configuration
from tests.support.scenario import work
from tests.support.steps import Steps


async def _work(root: str, acknowledge: Any) -> None:
    async with registry(configuration("filesystem", Path(root))) as services:
        await work(services.namespace, acknowledge)


async def _purge(root: str) -> None:
    async with purging(configuration("filesystem", Path(root))) as purge:
        await purge.run(timedelta(days=7))


def _child(order: dict[str, Any], answers: int) -> None:
    steps = Steps(order["root"], die_at=order["die_at"], after=order["after"])
    with steps.watching():
        if order.get("purge"):
            asyncio.run(_purge(order["root"]))
        else:
            asyncio.run(_work(order["root"], lambda mark: os.write(answers, f"{mark}\n".encode())))
    os.write(answers, f"end {len(steps.seen)}\n".encode())


def _crash(order: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            _child(order, writing)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as answers:
        marks = answers.read().splitlines()
    _, status = os.waitpid(child, 0)
    return {"marks": marks, "status": os.waitstatus_to_exitcode(status)}


def main() -> None:
    """Serve orders until there are no more."""
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_crash(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
