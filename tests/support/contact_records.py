"""Contact records from events: through the real folds, in memory."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bindings.tables import TABLE as BINDINGS
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.records import ContactRecord
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.notifications.tables import TABLE as NOTIFICATIONS
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from projections.tags.tables import TABLE as TAGS
from schemas.codec import from_dict
from schemas.events import ContactRef, Event
from tests.support.strategies import BASE_MS
from tests.support.twin import contact_events

_NESTED = (TAGS, ATTRIBUTES, CONSENTS, NOTIFICATIONS, BINDINGS)


def records_of(events: Iterable[Event]) -> list[ContactRecord]:
    """The record of each contact that the events are about, in the order of their ids."""
    tables = fold_log(PROJECTIONS, contact_events(events))

    def rows(table: sa.Table, contact_id: UUID) -> tuple[Any, ...]:
        return tuple(row for key, row in sorted(tables[table].items()) if key[1] == contact_id)

    contacts: list[Any] = [row for _, row in sorted(tables[CONTACTS].items())]
    return [ContactRecord(ContactRow(*one), *(rows(table, one.contact_id) for table in _NESTED)) for one in contacts]


def record_of(*events: Event) -> ContactRecord:
    """The record of the one contact that the events are about."""
    (record,) = records_of(events)
    return record


def event(type_name: str, at: int = 0, *, contact: str = "line:oa1:U1", event_id: str = "", **data: Any) -> Event:
    """An event ``at`` ms after the beginning."""
    channel, account, uid = contact.split(":", 2)
    envelope = {
        "event_id": event_id or f"{type_name}@{at}",
        "tenant": "demo",
        "contact": ContactRef.model_validate({"channel": channel, "account": account, "uid": uid}),
        "type": type_name,
        "occurred_at": BASE_MS + at,
        "received_at": BASE_MS + at,
        "source": "test",
        "schema_version": 1,
        "data": data,
    }
    return from_dict(envelope)
