"""The first and the last event that each intrinsic identifier came with, and what of it is sent to identity.

An intrinsic identifier can't be retracted, so its first and its last event are all there is to know about it. Both are
taken over all events delivered, duplicates included, so they need no history. Identity is sent the first event. It is
sent the last one, as a restatement, only where it matters: where the contact has *several* values of the type, since
then the value that was asserted last counts. Most contacts have one value, so their messages are not sent again.

At any time, for every order of arrival, the following was sent: for each identifier the event that is the first so
far, and for each of several identifiers of a type a restatement of the event that is the last so far. More may have
been sent: events that were the first or the last when they arrived.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Final, NamedTuple, cast

from projections.engine.metadata import Key, Row
from projections.engine.projection import ContactEvent
from projections.intrinsics.tables import TABLE, IntrinsicRow
from schemas.events import ContactRef, Event
from schemas.events.base import Stamp
from schemas.events.identity import Binding
from schemas.restatements import restating

_BINDINGS: Final = frozenset({"identity.bound", "identity.unbound"})
_KEY: Final = len(TABLE.primary_key)
_TYPE: Final = 3  # so much of a key names a contact's values of one type

VERSION: Final = 1  # up with every change that gives other rows, or other evidence, for the same events

IntrinsicRows = dict[Key, IntrinsicRow]


class IntrinsicDelta(NamedTuple):
    """What a chunk changes: rows, events that are now the first of an identifier, and restatements of last events."""

    rows: list[IntrinsicRow]
    first: list[ContactEvent]
    restated: list[Event]


def states_identifiers(event: Event) -> bool:
    """Whether the event states that its contact has, or does not have, an identifier."""
    return event.contact is not None and (bool(event.intrinsic) or event.type in _BINDINGS)


def types_in(events: Iterable[ContactEvent]) -> set[Key]:
    """Each (tenant, contact_id, type) that the events state something about."""
    return {key[:_TYPE] for one in events for key in _keys(one)}


def decide(known: IntrinsicRows, events: Collection[ContactEvent]) -> IntrinsicDelta:
    """What the events change; ``known`` are all stored rows of `types_in`."""
    new = rows_of(events)
    changed = {key: row for key, one in new.items() if (row := _join(known.get(key), one)) != known.get(key)}
    return IntrinsicDelta(list(changed.values()), _firsts(known, changed, events), _restated(known, changed, events))


def rows_of(events: Iterable[ContactEvent]) -> IntrinsicRows:
    """The rows that follow from these events alone."""
    ends: dict[Key, tuple[Stamp, Stamp] | None] = {}
    for one in events:
        stamp = one.event.stamp
        for key in _vouched(one):
            known = ends.get(key)
            ends[key] = (min(known[0], stamp), max(known[1], stamp)) if known else (stamp, stamp)
        for key in _stated(one):
            ends.setdefault(key, None)
    return {key: _row(key, *stamps) if stamps else _row(key) for key, stamps in ends.items()}


def several(rows: IntrinsicRows) -> IntrinsicRows:
    """The rows of intrinsic identifiers whose contact has several values of their type."""
    count = Counter([key[:_TYPE] for key in rows])
    if len(count) == len(rows):
        return {}
    return {key: row for key, row in rows.items() if row.last is not None and count[key[:_TYPE]] > 1}


def _keys(one: ContactEvent) -> list[Key]:
    return [*_vouched(one), *_stated(one)]


def _vouched(one: ContactEvent) -> list[Key]:
    event = one.event
    if event.contact is None:
        return []
    return [(event.tenant, one.contact_id, identifier.type, identifier.value) for identifier in event.intrinsic]


def _stated(one: ContactEvent) -> list[Key]:
    event = one.event
    if event.contact is None or event.type not in _BINDINGS:
        return []
    data = cast("Binding", event.data)
    found = [(identifier.type, identifier.value) for identifier in data.identifiers]
    if data.linked_contact is not None:
        found.append(("contact", data.linked_contact.key))
    return [(event.tenant, one.contact_id, *identifier) for identifier in found]


def _join(one: IntrinsicRow | None, other: IntrinsicRow) -> IntrinsicRow:
    """Both rows of an identifier as one."""
    if one is None or one.first is None or one.last is None:
        return other
    if other.first is None or other.last is None:
        return one
    return _row(one[:_KEY], min(one.first, other.first), max(one.last, other.last))


def _row(key: Key, *ends: Stamp) -> IntrinsicRow:
    flat: Row = (*key, *chain.from_iterable(ends))
    return IntrinsicRow(*flat)


def _firsts(before: IntrinsicRows, changed: IntrinsicRows, events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are the first of an identifier now and were not before, each once."""
    wanted = {key: row.first for key, row in changed.items() if key not in before or row.first != before[key].first}
    found: dict[Key, ContactEvent] = {}
    for one in events if wanted else ():
        for key in _vouched(one):
            if one.event.stamp == wanted.get(key):
                found.setdefault(key, one)
    return list({id(one): one for one in found.values()}.values())


def _restated(before: IntrinsicRows, changed: IntrinsicRows, events: Iterable[ContactEvent]) -> list[Event]:
    """Restatements of the last events that were not sent yet, for the types with several values that changed."""
    old, now = several(before), several({**before, **changed})
    new = [row for key, row in now.items() if key not in old or old[key].last != row.last]
    refs = _contacts(events) if new else {}
    return [
        restating(row.tenant, refs[row[:2]], (row.type, row.value), row.last) for row in new if row.last is not None
    ]


def _contacts(events: Iterable[ContactEvent]) -> dict[Key, ContactRef]:
    return {(one.event.tenant, one.contact_id): one.event.contact for one in events if one.event.contact is not None}
