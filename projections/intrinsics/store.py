"""Intrinsic identifiers in PostgreSQL: note them, learn which events said something new."""

from collections.abc import Iterable
from typing import Any

from projections.engine.projection import Happened
from projections.engine.store import load, save
from projections.intrinsics.folds import earliest, is_earlier
from projections.intrinsics.tables import TABLE


async def note(connection: Any, happened: Iterable[Happened]) -> list[Happened]:
    """The events whose intrinsic identifiers were unknown, or known from later events only."""
    found = earliest(one for one in happened if one.event.intrinsic and one.event.contact is not None)
    known = await load(connection, TABLE, list(found))
    new = {key: (row, one) for key, (row, one) in found.items() if key not in known or is_earlier(row, known[key])}
    await save(connection, TABLE, [row for row, _ in new.values()])
    return list({id(one): one for _, one in new.values()}.values())
