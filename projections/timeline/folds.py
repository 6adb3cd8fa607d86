"""One event, one row, whatever was delivered how often.

The same event id may come with other content: a client's clock was corrected differently on a retry, say. Then the
least by (occurred_at, type, source, data, received_at) counts, so that the order of arrival does not.
"""

from collections.abc import Iterable

from projections.engine.metadata import key_of
from projections.engine.projection import ContactEvent
from projections.timeline.tables import TABLE, TimelineRow
from schemas.codec import data_json


def row_of(happened: ContactEvent) -> TimelineRow:
    """The event as the timeline keeps it."""
    event = happened.event
    return TimelineRow(
        event.tenant,
        happened.contact_id,
        event.event_id,
        event.occurred_at,
        event.received_at,
        event.type,
        event.source,
        data_json(event),
    )


def rank(row: TimelineRow) -> tuple[int, str, str, str, int]:
    """What decides between two rows of one event: the least counts."""
    return (row.occurred_at, row.type, row.source, row.data, row.received_at)


def distinct(happened: Iterable[ContactEvent]) -> dict[tuple[object, ...], tuple[TimelineRow, ContactEvent]]:
    """Each event's one row, with the event it came from, by key."""
    chosen: dict[tuple[object, ...], tuple[TimelineRow, ContactEvent]] = {}
    for one in happened:
        row = row_of(one)
        key = key_of(TABLE, row)
        known = chosen.get(key)
        if known is None or rank(row) < rank(known[0]):
            chosen[key] = (row, one)
    return chosen
