"""The notification's row."""

from typing import NamedTuple
from uuid import UUID

from projections.engine.metadata import define


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


TABLE = define("notifications", NotificationRow, key=3)
