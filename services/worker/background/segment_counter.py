"""Segment counter: counts the customers of every segment once a day, UTC, for their sizes over time.

Only one worker counts, in the active generation; the others wait for its lock. Tenants take turns, a segment a turn,
so that one with many segments does not keep the others waiting. It works one part in ten of the time.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from projections.engine.connection import Connection
from projections.identity.outbox import is_active
from projections.segments.queries import tenants_with_segments
from projections.segments.store import count_next, lock_counting
from services.runtime import metrics
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting

log = structlog.get_logger(__name__)

_EVERY: Final = 60.0  # seconds
_LOCK_EVERY: Final = 1.0  # seconds
_REST: Final = 9.0  # times as long as a count took


def _now() -> int:
    return time.time_ns() // 1_000_000


class SegmentCounter:
    """Counts in one generation; see BackgroundService. ``clock`` gives the present time in ms.

    Segments that were saved since are found each ``every`` seconds.
    """

    def __init__(
        self,
        connect: Connect,
        region: str,
        *,
        every: float = _EVERY,
        rest: float = _REST,
        clock: Callable[[], int] = _now,
    ) -> None:
        self._connect = connect
        self._region = region
        self._every = every
        self._rest = rest
        self._clock = clock

    def wake(self) -> None:
        """No-op: a day is long, so it polls."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(
            self._connect, self._run_alone, every=_LOCK_EVERY, interrupted="segment_counter_interrupted"
        )

    async def _run_alone(self, connection: Connection) -> None:
        """Wait for the lock, then count for as long as the connection holds it."""
        alone = False
        while True:
            alone = alone or await lock_counting(connection)
            if alone:
                await self.count_all(connection)
            await _pause(connection, self._every if alone else _LOCK_EVERY)

    async def count_all(self, connection: Connection) -> int:
        """Count every segment that has no size of today, while the generation is the active one; how many."""
        counted = 0
        tenants = await tenants_with_segments(connection)
        while tenants and await is_active(connection):
            waiting = []
            for tenant in tenants:
                if await self._count_one(connection, tenant):
                    waiting.append(tenant)
                    counted += 1
            tenants = waiting
        if counted:
            log.info("segments_counted", segments=counted)
        return counted

    async def _count_one(self, connection: Connection, tenant: str) -> bool:
        """A tenant's turn; whether there was a segment to count."""
        began = time.monotonic()
        async with connection.transaction(isolation="repeatable_read"):
            found = await count_next(connection, tenant, self._region, self._clock())
        if found is not None:
            metrics.SEGMENT_SECONDS.observe(time.monotonic() - began)
            await _pause(connection, self._rest * (time.monotonic() - began))
        return found is not None


async def _pause(connection: Connection, seconds: float) -> None:
    """Wait, with a small question now and then: a connection that is silent for long is ended."""
    while seconds > 0:
        await asyncio.sleep(min(_LOCK_EVERY, seconds))
        seconds -= _LOCK_EVERY
        await is_active(connection)
