"""The timeline's row: an event as its contact's history keeps it."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class TimelineRow(NamedTuple):
    """One event; ``data`` is JSON at the type's current version."""

    tenant: str
    contact_id: UUID
    event_id: str
    occurred_at: int
    received_at: int
    type: str
    source: str
    data: str


# Of the few events that change another one: what `messages` looks up. Other events pay for a look at their type alone.
_CHANGES = (
    "CREATE INDEX timeline_changes ON timeline (tenant, contact_id, (data ->> 'message_id'))"
    " WHERE type IN ('message.edited', 'message.unsent')"
)

TABLE = Table(
    name="timeline",
    row=TimelineRow,
    key_size=3,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("event_id", "text"),
        Column("occurred_at", "bigint"),
        Column("received_at", "bigint"),
        Column("type", "text"),
        Column("source", "text"),
        Column("data", "json"),
    ),
    indexes=(
        "CREATE INDEX timeline_newest ON timeline (tenant, contact_id, occurred_at)",
        _CHANGES,
    ),
    fillfactor=100,
)
