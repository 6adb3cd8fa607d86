"""Onefold: one `onefold worker`, as `onefold up` runs it, on an empty generation: every read model with identity.

The clock stops when both agents are through: all channel events are folded into the tables of contacts, and all their
evidence is resolved (`benchmarks.worker`). Customer rows may be behind by then, because their composer gives way to
contacts. So it is measured how long after that they are current.
"""

import asyncio
import time
from typing import Final

from benchmarks.bed import Bed, reading, require_running
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.end_to_end.checks import require_balance, require_tables_as_folded
from benchmarks.figures import BenchmarkFailed, Round
from benchmarks.worker import Folded, folding
from projections.customers.composing import has_composed
from projections.registry import TABLES
from schemas.topics import IDENTITY_EVIDENCE
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.05  # s
_WITHIN: Final = 600.0  # s


async def run(bed: Bed, settings: Settings, events: int) -> Round:
    """Return its events/s, its seconds, and after how many more seconds customer rows were current."""
    async with folding(bed, settings) as folded:
        rows_after = await _seconds_until_composed(settings, folded)
    async with reading(settings) as connection:
        await require_balance(connection, events)
        await require_evidence_balance(connection, await bed.records_in(settings.topic_prefix, IDENTITY_EVIDENCE))
    return {
        "events_per_s": events / folded.seconds,
        "folded_in_s": folded.seconds,
        "cpu_us_an_event": folded.cpu_seconds / events * 1_000_000,
        "rows_current_after_s": rows_after,
    }


async def checked(bed: Bed, settings: Settings, events: int) -> Round:
    """Return the same after comparing the tables with a fold in memory, and membership with a full resolution."""
    found = await run(bed, settings, events)
    await require_tables_as_folded(settings, TABLES)
    await require_membership(settings)
    return found


async def _seconds_until_composed(settings: Settings, folded: Folded) -> float:
    """Return how long after the last event was folded nothing is left to compose. Raises BenchmarkFailed."""
    async with reading(settings) as connection:
        while True:
            async with connection.transaction(isolation="repeatable_read"):
                composed = await has_composed(connection)
            late = time.monotonic() - folded.ended
            if composed:
                return late
            require_running(folded.process)
            if late > _WITHIN:
                raise BenchmarkFailed(f"customer rows are not current {_WITHIN:.0f} s after the last event")
            await asyncio.sleep(_LOOK_EVERY)
