"""Recurring notifications: the last writer by (occurred_at, event_id) decides, per topic."""

from collections.abc import Sequence
from typing import cast

from projections.engine.metadata import Key, Row
from projections.engine.parts import latest_only
from projections.engine.projection import Projection
from projections.notifications.tables import TABLE, NotificationRow
from schemas.events import Event
from schemas.events.subscription import RecurringNotification


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The topic as the latest event leaves it."""
    before = cast("NotificationRow | None", row)
    latest = events[-1]
    if before is not None and latest.stamp < (before.at, before.event_id):
        return before
    data = cast("RecurringNotification", latest.data)
    active = latest.type == "notification.opted_in"
    tenant, contact_id, topic = key
    return NotificationRow(
        tenant,
        contact_id,
        topic,
        active,
        data.frequency,
        data.token,
        data.expires_at,
        latest.occurred_at,
        latest.event_id,
    )


PROJECTION = Projection(
    table=TABLE,
    version=1,
    types=frozenset({"notification.opted_in", "notification.opted_out"}),
    suffixes=lambda event: ((cast("RecurringNotification", event.data).topic,),),
    fold=fold,
    owes=latest_only,
)
