"""Exits a worker that is stuck, so that whoever runs it starts another: the rows say where to go on.

A worker waits, and is not stuck, while a server is away or the log has nothing new. It is stuck when there is
something to do, every server answers, and nothing has moved for long; or when its event loop no longer turns.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from services.runtime import metrics
from services.runtime.retrying import Retrier
from services.worker.partition_runner import Progress

log = structlog.get_logger(__name__)

EXIT_STUCK = 75  # EX_TEMPFAIL: start me again
EXIT_LOG_LOST = 65  # EX_DATAERR: a person must look
_LOOK_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What the watchdog sees of the worker: monotonic seconds, and records to do."""

    now: float
    beat_at: float
    moved_at: float
    lag: int
    away: bool


def is_stuck(sight: Sight, after: float) -> bool:
    """Whether the worker will not get on by itself."""
    if sight.now - sight.beat_at > after:
        return True
    return sight.lag > 0 and not sight.away and sight.now - sight.moved_at > after


class Watchdog:
    """Looks at the worker from a thread of its own, which turns even when the event loop does not."""

    def __init__(
        self,
        progress: Progress,
        retrier: Retrier,
        lag: Callable[[], int],
        servers: Callable[[], Awaitable[bool]],
        after: float,
    ) -> None:
        self._progress, self._retrier = progress, retrier
        self._lag, self._servers, self._after = lag, servers, after
        self._beat_at = time.monotonic()
        self._to_do = 0
        self._away = False

    def start(self) -> None:
        """Look from now on, until the process ends."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    async def beat(self) -> None:
        """The event loop's part: never returns."""
        while True:
            self._beat_at = time.monotonic()
            self._to_do = self._lag()
            metrics.LAG_RECORDS.set(self._to_do)
            quiet = self._beat_at - self._progress.moved_at
            self._away = bool(self._retrier.unavailable) or (quiet > self._after / 2 and not await self._servers())
            if self._to_do == 0 or self._away:
                self._progress.moved()
            await asyncio.sleep(_LOOK_EVERY)

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY)
            sight = Sight(time.monotonic(), self._beat_at, self._progress.moved_at, self._to_do, self._away)
            if is_stuck(sight, self._after):
                log.error("worker_stuck", lag=sight.lag, quiet_s=round(sight.now - sight.moved_at))
                os._exit(EXIT_STUCK)
