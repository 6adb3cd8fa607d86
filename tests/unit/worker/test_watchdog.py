import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from services.worker.watchdog import EXIT_STUCK, Sight, is_stuck

CALM = Sight(now=1000.0, beat_at=999.0, moved_at=999.0, lag=10, away=False)


@pytest.mark.parametrize(
    ("what", "stuck"),
    [
        ({}, False),
        ({"moved_at": 879.0}, True),  # something to do, servers that answer, and nothing moves
        ({"moved_at": 880.0}, False),
        ({"moved_at": 0.0, "lag": 0}, False),  # nothing to do
        ({"moved_at": 0.0, "away": True}, False),  # it waits for a server
        ({"beat_at": 879.0, "lag": 0, "away": True}, True),  # its loop does not turn, whatever the reason
    ],
)
def test_stuck_is_to_have_something_to_do_and_not_to_do_it(what: dict[str, Any], stuck: bool) -> None:  # noqa: FBT001
    assert is_stuck(replace(CALM, **what), after=120.0) is stuck


_PROGRAM = """
import asyncio, time
from services.worker.watchdog import Watchdog
from services.worker.partition_runner import Progress
from services.runtime.retrying import Retrier

async def answer() -> bool:
    return {servers_answer}

async def main() -> None:
    watchdog = Watchdog(Progress(), Retrier(), lambda: {lag}, answer, after={after})
    beating = asyncio.create_task(watchdog.beat())
    watchdog.start()
    await asyncio.sleep(0.1)
    {then}

asyncio.run(main())
"""


def run(then: str, *, lag: int = 5, servers_answer: bool = True, after: float = 0.5) -> tuple[int, float]:
    program = _PROGRAM.format(then=then, lag=lag, servers_answer=servers_answer, after=after)
    began = time.monotonic()
    ended = subprocess.run((sys.executable, "-c", program), check=False, capture_output=True, timeout=60)
    assert b"Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, time.monotonic() - began


@pytest.mark.timeout(120)
def test_a_loop_that_does_not_turn_ends_the_process() -> None:
    status, seconds = run("time.sleep(50)", lag=0)
    assert status == EXIT_STUCK
    assert seconds < 45


@pytest.mark.timeout(120)
def test_a_worker_that_does_nothing_about_its_lag_ends() -> None:
    assert run("await asyncio.sleep(50)", after=3)[0] == EXIT_STUCK


@pytest.mark.timeout(120)
@pytest.mark.parametrize("calm", [{"lag": 0}, {"servers_answer": False}], ids=["nothing to do", "servers away"])
def test_a_worker_that_has_a_reason_to_wait_goes_on(calm: dict[str, int]) -> None:
    assert run("await asyncio.sleep(9)", after=3, **calm)[0] == 0  # type: ignore[arg-type]
