"""The consent's row; a kind without a row was never refused."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class ConsentRow(NamedTuple):
    """Whether one kind of marketing is allowed, since when and by whose word."""

    tenant: str
    contact_id: UUID
    kind: str
    allowed: bool
    at: int
    event_id: str
    by: str | None


TABLE = Table(
    name="consents",
    row=ConsentRow,
    key_size=3,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("kind", "text"),
        Column("allowed", "boolean"),
        Column("at", "bigint"),
        Column("event_id", "text"),
        Column("by", "text", nullable=True),
    ),
)
