"""The intrinsic identifier's row; it tells which events have something new to say to identity resolution."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class IntrinsicRow(NamedTuple):
    """An intrinsic identifier and the earliest event that it rode on, by its time (ms, UTC) and id."""

    tenant: str
    contact_id: UUID
    type: str
    value: str
    since: int
    event_id: str


TABLE = Table(
    name="intrinsics",
    row=IntrinsicRow,
    key_size=4,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("type", "text"),
        Column("value", "text"),
        Column("since", "bigint"),
        Column("event_id", "text"),
    ),
)
