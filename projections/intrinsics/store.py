"""Loads the rows that a chunk is about, saves those that change, and returns what to send to identity."""

from collections.abc import Iterable
from typing import Final

from projections.engine.connection import Connection
from projections.engine.metadata import Key, key_of
from projections.engine.projection import ContactEvent
from projections.engine.store import columns, save, select_matching
from projections.intrinsics import folds
from projections.intrinsics.folds import IntrinsicDelta, IntrinsicRows
from projections.intrinsics.tables import TABLE, IntrinsicRow

_OF_TYPES: Final = select_matching(TABLE, TABLE.c.tenant, TABLE.c.contact_id, TABLE.c.type)


async def save_chunk(connection: Connection, events: Iterable[ContactEvent]) -> IntrinsicDelta:
    """Load, decide, save: what the chunk's events change, which is also returned."""
    about = [one for one in events if folds.states_identifiers(one.event)]
    delta = folds.decide(await _load(connection, folds.types_in(about)), about)
    await save(connection, TABLE, delta.rows)
    return delta


async def _load(connection: Connection, types: Iterable[Key]) -> IntrinsicRows:
    """All rows of these (tenant, contact_id, type)."""
    wanted = list(types)
    if not wanted:
        return {}
    rows = [IntrinsicRow(*record) for record in await connection.fetch(_OF_TYPES, *columns(wanted))]
    return {key_of(TABLE, row): row for row in rows}
