import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from services.runtime.retrying import Retrier
from services.worker.background.watchdog import Watchdog, WorkerState, is_stuck
from services.worker.core.exit_status import EXIT_STUCK
from services.worker.handlers.partition_runner import WorkerProgress
from tests.support.clock import Clock

CALM = WorkerState(now=1000.0, beat_at=999.0, moved_at=999.0, lag=10, waiting=False)


@pytest.mark.parametrize(
    ("what", "stuck"),
    [
        ({}, False),
        ({"moved_at": 879.0}, True),  # something to do, servers that answer, and nothing moves
        ({"moved_at": 880.0}, False),
        ({"moved_at": 0.0, "lag": 0}, False),  # nothing to do
        ({"moved_at": 0.0, "waiting": True}, False),  # it waits for a server
        ({"beat_at": 879.0, "lag": 0, "waiting": True}, True),  # its loop does not turn, whatever the reason
    ],
)
def test_a_worker_is_stuck_if_it_has_records_to_read_and_does_not_move(what: dict[str, Any], *, stuck: bool) -> None:
    assert is_stuck(replace(CALM, **what), after=120.0) is stuck


async def first_stuck_at(*, lag: int, servers_answer: bool = True, away: bool = False) -> int | None:
    """After how many seconds the watchdog finds a worker stuck that never moves; None if never in ten minutes."""
    clock, retrier = Clock(), Retrier()
    if away:
        retrier.unavailable.add("kafka")

    async def answer() -> bool:
        return servers_answer

    watchdog = Watchdog(WorkerProgress(clock), retrier, lambda: lag, answer, after=120)
    for second in range(600):
        await watchdog.observe()
        if watchdog.finds_it_stuck():
            return second
        clock.now += 1
    return None


async def test_a_worker_without_progress_is_stuck_while_its_servers_answer() -> None:
    assert await first_stuck_at(lag=5) == 121


async def test_a_worker_with_a_reason_to_wait_is_never_stuck() -> None:
    assert await first_stuck_at(lag=0) is None
    assert await first_stuck_at(lag=5, servers_answer=False) is None
    assert await first_stuck_at(lag=5, away=True) is None


_PROGRAM = """
import asyncio, time
from services.runtime.retrying import Retrier
from services.worker.background.watchdog import Watchdog
from services.worker.handlers.partition_runner import WorkerProgress

async def answer() -> bool:
    return True

async def main() -> None:
    watchdog = Watchdog(WorkerProgress(), Retrier(), lambda: {lag}, answer, after=0.4)
    beating = asyncio.create_task(watchdog.beat(0.05))
    watchdog.start(0.05)
    await asyncio.sleep(0)
    {then}

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("then", "lag"),
    [("time.sleep(100)", 0), ("await asyncio.sleep(100)", 5)],
    ids=["event loop blocked", "no progress"],
)
def test_a_stuck_worker_ends_its_process(then: str, lag: int) -> None:
    program = _PROGRAM.format(then=then, lag=lag)
    ended = subprocess.run((sys.executable, "-c", program), check=False, capture_output=True, timeout=60)
    assert b"Traceback" not in ended.stderr, ended.stderr
    assert ended.returncode == EXIT_STUCK
