"""The latest erasure of a contact, by (occurred_at, event_id)."""

from collections.abc import Sequence
from typing import Final, cast

from projections.engine.metadata import Key, Row
from projections.engine.projection import Projection
from projections.erasures.tables import TABLE, ErasureRow
from schemas.events import Event

ERASED: Final = "contact.erased"


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The latest of the known erasure and these."""
    known = cast("ErasureRow | None", row)
    tenant, contact_id = key
    latest = ErasureRow(tenant, contact_id, *events[-1].stamp)
    return max(known, latest) if known else latest


PROJECTION = Projection(table=TABLE, version=1, types=frozenset({ERASED}), suffixes=lambda _: ((),), fold=fold)
