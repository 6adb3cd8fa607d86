"""Onefold: one `onefold worker`, as `onefold up` runs it, on an empty generation: every read model with identity.

The clock stops when both agents are through: all channel events are folded into the tables of contacts, and all their
evidence is resolved (`benchmarks.worker`).
"""

from benchmarks.bed import Bed, reading
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.end_to_end.checks import require_balance, require_tables_as_folded
from benchmarks.worker import seconds_to_fold
from projections.registry import TABLES
from schemas.topics import IDENTITY_EVIDENCE
from services.runtime.settings import Settings


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s."""
    seconds = await seconds_to_fold(bed, settings)
    async with reading(settings) as connection:
        await require_balance(connection, events)
        await require_evidence_balance(connection, await bed.records_in(settings.topic_prefix, IDENTITY_EVIDENCE))
    return events / seconds


async def checked(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s after comparing the tables with a fold in memory, and membership with a full resolution."""
    rate = await run(bed, settings, events)
    await require_tables_as_folded(settings, TABLES)
    await require_membership(settings)
    return rate
