"""One event, one row, however often it was delivered.

The same event id may come with other content, for instance when a client's clock was corrected differently on a retry.
Then the least by time, type and canonical content counts, here as in identity, so that the order of arrival does not.
Of copies that say the same, the one of the least (source, received_at) is kept.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from projections.engine.metadata import Key
from projections.engine.projection import ContactEvent
from projections.timeline.tables import TABLE, TimelineRow
from schemas.codec import data_json, from_dict, intrinsic_json
from schemas.events import CURRENT_VERSION, AccountRef, ContactRef

_KEY: Final = len(TABLE.primary_key)
VERSION: Final = 4  # up with every change that gives other rows for the same events


def row_of(one: ContactEvent) -> TimelineRow:
    """The event as the timeline keeps it."""
    event = one.event
    return TimelineRow(
        event.tenant,
        one.contact_id,
        event.event_id,
        event.occurred_at,
        event.received_at,
        event.type,
        event.source,
        data_json(event),
        intrinsic_json(event),
        event.account.key if event.account and not event.contact else None,
    )


def event_of(row: TimelineRow, contacts: Mapping[Key, ContactRef]) -> ContactEvent:
    """The event that a row keeps. ``contacts`` are by (tenant, contact_id); an event without one has none there."""
    envelope = {
        "tenant": row.tenant,
        "event_id": row.event_id,
        "occurred_at": row.occurred_at,
        "received_at": row.received_at,
        "type": row.type,
        "source": row.source,
        "contact": contacts.get((row.tenant, row.contact_id)),
        "account": account_of(row.account_key),
        "data": orjson.loads(row.data),
        "intrinsic": orjson.loads(row.intrinsic),
        "schema_version": CURRENT_VERSION.get(row.type, 1),  # kept as it was after upcasting
    }
    return ContactEvent(row.contact_id, from_dict(envelope, check_text=False))


def account_of(key: str | None) -> AccountRef | None:
    """The account of a key, which holds one colon."""
    if key is None:
        return None
    channel, _, account = key.partition(":")
    return AccountRef.model_validate({"channel": channel, "account": account})


def known_event(row: TimelineRow, copy: ContactEvent) -> ContactEvent:
    """The event that a row keeps, by a copy of it, which has the same contact."""
    contact = copy.event.contact
    return event_of(row, {row[:2]: contact} if contact else {})


def rank(row: TimelineRow) -> tuple[int, str, str, str, str, int]:
    """What decides between two rows of one event: the least counts."""
    content = orjson.dumps([orjson.loads(row.data), orjson.loads(row.intrinsic)], option=orjson.OPT_SORT_KEYS)
    return (row.occurred_at, row.type, content.decode(), row.source, row.account_key or "", row.received_at)


def overrules(row: TimelineRow, known: TimelineRow) -> bool:
    """Whether the row takes the place of the known one of the same event."""
    return rank(row) < rank(known)


def says_otherwise(row: TimelineRow, known: TimelineRow) -> bool:
    """Whether other read models can differ between the two: all but the time of receipt."""
    return rank(row)[:-1] != rank(known)[:-1]


def distinct(events: Iterable[ContactEvent]) -> dict[Key, tuple[TimelineRow, ContactEvent]]:
    """Each event's one row, with the event it came from, by key."""
    chosen: dict[Key, tuple[TimelineRow, ContactEvent]] = {}
    for one in events:
        row = row_of(one)
        key = row[:_KEY]
        known = chosen.get(key)
        if known is None or overrules(row, known[0]):
            chosen[key] = (row, one)
    return chosen
