"""The notification's row."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.table import Column, Table


class NotificationRow(NamedTuple):
    """Whether the contact takes recurring notifications on a topic, and with which token."""

    tenant: str
    contact_id: UUID
    topic: str
    active: bool
    frequency: str | None
    token: str | None
    expires_at: int | None
    at: int
    event_id: str


TABLE = Table(
    name="notifications",
    row=NotificationRow,
    key_size=3,
    columns=(
        Column("tenant", "text"),
        Column("contact_id", "uuid"),
        Column("topic", "text"),
        Column("active", "boolean"),
        Column("frequency", "text", nullable=True),
        Column("token", "text", nullable=True),
        Column("expires_at", "bigint", nullable=True),
        Column("at", "bigint"),
        Column("event_id", "text"),
    ),
)
