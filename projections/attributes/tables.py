"""The attribute's row; a value of null is an attribute that was unset."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class AttributeRow(NamedTuple):
    """A custom attribute's latest value, as JSON."""

    tenant: str
    contact_id: UUID
    key: str
    value: str | None
    type: str | None
    at: int
    event_id: str


TABLE = Table(
    name="attributes",
    row=AttributeRow,
    key_size=3,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("key", "text"),
        Column("value", "json", nullable=True),
        Column("type", "text", nullable=True),
        Column("at", "bigint"),
        Column("event_id", "text"),
    ),
)
