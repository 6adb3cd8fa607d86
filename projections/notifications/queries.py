"""Reading a contact's recurring notifications, on every topic that its events name."""

from uuid import UUID

import sqlalchemy as sa

from projections.engine.queries import nested
from projections.notifications.tables import TABLE


def all_notifications(contact_id: sa.ColumnElement[UUID]) -> sa.ScalarSelect[str]:
    """The contact's notifications."""
    return nested(TABLE, contact_id)
