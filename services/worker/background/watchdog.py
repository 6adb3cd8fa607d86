"""Exits a worker that is stuck, so that its supervisor starts another: the rows say where to go on.

A worker that waits is not stuck, be it for an absent server or for new records. It is stuck when there are records that
are not committed, every server answers, and no chunk has been dealt with for long; or when its event loop no longer
turns.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import structlog

from services.runtime.retrying import Retrier
from services.worker.core.exit_status import EXIT_STUCK
from services.worker.handlers.partition_runner import WorkerProgress

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What the watchdog knows of the worker: times in monotonic seconds, ``lag`` in records."""

    now: float
    beat_at: float
    moved_at: float
    lag: int
    waiting: bool


def is_stuck(state: WorkerState, after: float) -> bool:
    """Whether the worker has neither moved nor a reason to wait for more than ``after`` seconds."""
    if state.now - state.beat_at > after:
        return True
    return state.lag > 0 and not state.waiting and state.now - state.moved_at > after


class Watchdog:
    """Watches the worker from a thread, which runs even when the event loop does not.

    ``lag`` counts the records that are not committed, ``servers_answer`` says whether both servers can be reached, and
    ``after`` is how many seconds without progress are too many, by the clock of ``progress``.
    """

    def __init__(
        self,
        progress: WorkerProgress,
        retrier: Retrier,
        lag: Callable[[], int],
        servers_answer: Callable[[], Awaitable[bool]],
        after: float,
    ) -> None:
        self._progress, self._retrier = progress, retrier
        self._lag, self._servers_answer, self._after = lag, servers_answer, after
        self._beat_at = progress.clock()
        self._records_left = 0
        self._has_reason = False

    def start(self, every: float = LOOK_EVERY) -> None:
        """Look every ``every`` seconds from now on; ends the process when the worker is stuck."""
        threading.Thread(target=self._watch, args=(every,), name="watchdog", daemon=True).start()

    async def beat(self, every: float = LOOK_EVERY) -> NoReturn:
        """The event loop's part of watching."""
        while True:
            await self.observe()
            await asyncio.sleep(every)

    async def observe(self) -> None:
        """Show that the event loop turns, and note what only it can ask."""
        self._beat_at = self._progress.clock()
        self._records_left = self._lag()
        quiet = self._beat_at - self._progress.moved_at
        self._has_reason = bool(self._retrier.unavailable) or (
            quiet > self._after / 2 and not await self._servers_answer()
        )
        if self._records_left == 0:
            self._progress.caught_up()
        elif self._has_reason:
            self._progress.moved()

    def finds_it_stuck(self) -> bool:
        """Whether the worker is stuck now; logs it."""
        now, moved_at = self._progress.clock(), self._progress.moved_at
        state = WorkerState(now, self._beat_at, moved_at, self._records_left, self._has_reason)
        if not is_stuck(state, self._after):
            return False
        log.error("worker_stuck", lag=state.lag, quiet_s=round(now - moved_at))
        return True

    def _watch(self, every: float) -> None:
        while not self.finds_it_stuck():
            time.sleep(every)
        os._exit(EXIT_STUCK)
