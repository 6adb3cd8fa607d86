"""Onefold: one `onefold worker`, as `onefold up` runs it, on an empty generation.

The clock is read off the tables: it starts when the worker has written down that the partitions are its own (before
it has read anything) and stops when the offsets are at the log's end. They are asked for every 20 ms.
"""

import asyncio
import time
from typing import Any, Final

from benchmarks.bed import PARTITIONS, Bed, connected, require_running
from benchmarks.end_to_end.checks import MEASURED, require_balance, require_tables_as_folded
from benchmarks.figures import BenchmarkFailed
from projections.registry import TABLES
from services.embedded.process import Process
from services.runtime.settings import Settings

_WORKER: Final = ("-c", "from services.cli import app; app()", "worker")
_LOOK_EVERY: Final = 0.02
_STARTS_WITHIN: Final = 60.0
_QUIET: Final = 120.0


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Its events/s."""
    async with connected(settings.database_url) as connection:
        await connection.execute(f"SET search_path TO {settings.database_url.rsplit('/', 1)[1]}")
        with bed.process(settings, "worker", *_WORKER) as process:
            began = await _reached(connection, process, "count(*)", PARTITIONS, _STARTS_WITHIN)
            ended = await _reached(connection, process, "coalesce(sum(next_offset), 0)", events, _QUIET)
        await require_balance(connection, events)
    return events / (ended - began)


async def checked(bed: Bed, settings: Settings, events: int) -> float:
    """Its events/s, after every row of every table was compared with a fold in memory."""
    rate = await run(bed, settings, events)
    await require_tables_as_folded(settings, TABLES)
    return rate


async def _reached(connection: Any, process: Process, what: str, goal: int, quiet: float) -> float:
    """When an aggregate of the offsets reached the goal. Raises BenchmarkFailed when it has not moved for long."""
    query = await connection.prepare(f"SELECT ({what})::bigint FROM {MEASURED}")  # noqa: S608 - one of two constants
    at, moved = -1, time.monotonic()
    while at < goal:
        await asyncio.sleep(_LOOK_EVERY)
        before, at, now = at, await query.fetchval(), time.monotonic()
        if at != before:
            moved = now
        require_running(process)
        if now - moved > quiet:
            raise BenchmarkFailed(f"the worker has not moved for {quiet:.0f} s: {what} is {at} of {goal}")
    return moved
