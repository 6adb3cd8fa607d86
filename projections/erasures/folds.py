"""Which events an erasure leaves (pure).

A contact's *horizon* is the greatest stamp (occurred_at, event_id) of its erasures. An event of which any copy is not
later than the horizon is erased with all its copies; only the erasure at the horizon itself stays. So is an event that
a ``contact.events_erased`` of its contact lists, with all its copies. So what is left depends on the set of events, and
neither on their order nor on how often they come.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, cast
from uuid import UUID

from projections.engine.metadata import Key
from projections.engine.projection import ERASED, ERASING, EVENTS_ERASED, ContactEvent
from projections.erasures.tables import NEVER, ErasedEventRow, ErasureRow
from schemas.events.profile import ErasureOfEvents

VERSION: Final = 2  # up with every change that leaves other events
_DIGEST: Final = 16  # bytes

Horizons = dict[Key, ErasureRow]  # by (tenant, contact_id)


def horizons(events: Iterable[ContactEvent], known: Mapping[Key, ErasureRow] | None = None) -> Horizons:
    """The latest erasure of each contact, of the known ones and of those among the events.

    A contact of which single events alone are erased has a horizon before all of them.
    """
    found: Horizons = dict(known or {})
    for one in events:
        if one.event.type in ERASING and one.event.contact is not None:
            key = (one.event.tenant, one.contact_id)
            row = ErasureRow(*key, *(one.event.stamp if one.event.type == ERASED else NEVER))
            found[key] = max(row, found.get(key, row))
    return found


def latest_erasures(events: Iterable[ContactEvent], changed: Iterable[ErasureRow]) -> list[ContactEvent]:
    """The events that the latest erasures are, one for each of these rows, and all that erase single events."""
    events, stamps = list(events), {(row.tenant, row.contact_id): row.stamp for row in changed}
    found = {
        key: one
        for one in events
        if one.event.type == ERASED
        and (key := (one.event.tenant, one.contact_id)) in stamps
        and one.event.stamp == stamps[key]
    }
    singly = [one for one in events if one.event.type == EVENTS_ERASED and one.event.contact is not None]
    return [*found.values(), *singly]


def is_erased(one: ContactEvent, horizon: ErasureRow | None) -> bool:
    """Whether this copy of an event is erased."""
    if horizon is None or one.event.contact is None:
        return False
    stamp = one.event.stamp
    return stamp < horizon.stamp or (stamp == horizon.stamp and one.event.type != ERASED)


def erased_events(events: Iterable[ContactEvent], known: Mapping[Key, ErasureRow]) -> dict[Key, ErasedEventRow]:
    """The rows of the events of which a copy here is erased, or that one here lists, by key."""
    events = list(events)
    rows = [erased_event(one) for one in events if is_erased(one, known.get((one.event.tenant, one.contact_id)))]
    return {tuple(row): row for row in (*rows, *listed_events(events))}


def listed_events(events: Iterable[ContactEvent]) -> list[ErasedEventRow]:
    """The rows of the single events that these events erase."""
    return [
        ErasedEventRow(one.event.tenant, one.contact_id, UUID(hex=digest))
        for one in events
        if one.event.type == EVENTS_ERASED and one.event.contact is not None
        for digest in cast("ErasureOfEvents", one.event.data).events
    ]


def unlisted(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events of a whole log but those that are erased singly."""
    events = list(events)
    listed = set(listed_events(events))
    return [one for one in events if erased_event(one) not in listed] if listed else events


def erased_event(one: ContactEvent) -> ErasedEventRow:
    """The row of an event that is erased."""
    return ErasedEventRow(one.event.tenant, one.contact_id, digest_of(one.contact_id, one.event.event_id))


def digest_of(contact_id: UUID, event_id: str) -> UUID:
    """What is kept of the id of an erased event: such an id can hold a phone number."""
    return UUID(bytes=sha256(f"{contact_id}:{event_id}".encode()).digest()[:_DIGEST])


def unerased(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are left of a whole log."""
    events = list(events)
    gone = erased_events(events, horizons(events))
    return [one for one in events if tuple(erased_event(one)) not in gone] if gone else events
