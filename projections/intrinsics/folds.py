"""The first event that each intrinsic identifier came with (pure).

An intrinsic identifier can't be retracted, and of its events the first after the contact's latest erasure alone counts.
So identity is sent an event when it is the first so far, and most messages of a contact are not sent. Where an erasure,
or a copy of an event that counts instead of another, makes a later event the first, the contact's rows are made again
from its history.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from projections.engine.metadata import Key, Row
from projections.engine.projection import ERASED, ContactEvent
from projections.erasures.tables import ErasureRow
from projections.intrinsics.tables import TABLE, IntrinsicRow
from schemas.events.base import Stamp

VERSION: Final = 2  # up with every change that gives other rows, or other evidence, for the same events

_KEY: Final = len(TABLE.primary_key)

Erasures = Mapping[Key, Row]  # by (tenant, contact_id)
IntrinsicRows = dict[Key, IntrinsicRow]


class IntrinsicDelta(NamedTuple):
    """What a chunk changes: rows to write, keys to delete, and events that are now the first of an identifier."""

    rows: list[IntrinsicRow]
    gone: list[Key]
    first: list[ContactEvent]


def vouching(events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events with intrinsic identifiers."""
    return [one for one in events if one.event.contact is not None and one.event.intrinsic]


def keys_of(one: ContactEvent) -> list[Key]:
    """The rows that an event is about."""
    return [(one.event.tenant, one.contact_id, said.type, said.value) for said in one.event.intrinsic]


def erased_in(events: Iterable[ContactEvent]) -> set[Key]:
    """The (tenant, contact_id) that the events erase."""
    return {(one.event.tenant, one.contact_id) for one in events if one.event.type == ERASED and one.event.contact}


def decide(known: IntrinsicRows, events: Collection[ContactEvent], erasures: Erasures) -> IntrinsicDelta:
    """What new events change; ``known`` are the stored rows that they are about."""
    new = rows_of(events, erasures)
    return _delta(known, {key: min(row, known.get(key, row)) for key, row in new.items()}, events)


def decide_again(known: IntrinsicRows, first: Mapping[Key, ContactEvent]) -> IntrinsicDelta:
    """What becomes of contacts whose rows are made from their whole history.

    ``known`` are all their stored rows, and ``first`` is the first event of each identifier in their histories.
    """
    rows = {key: _row(key, one) for key, one in first.items()}
    return _delta(known, rows, first.values())._replace(gone=sorted(known.keys() - rows.keys()))


def rows_of(events: Iterable[ContactEvent], erasures: Erasures) -> IntrinsicRows:
    """The rows that follow from these events alone, each event given once."""
    return {key: _row(key, one) for key, one in add_first({}, events, erasures).items()}


def add_first(
    first: dict[Key, ContactEvent], events: Iterable[ContactEvent], erasures: Erasures
) -> dict[Key, ContactEvent]:
    """The first event of each identifier, by the row's key, with what more events of a history add to it."""
    for one in vouching(events):
        if one.event.stamp > _erased(one, erasures):
            for key in keys_of(one):
                first[key] = min(first.get(key, one), one, key=_stamp)
    return first


def _row(key: Key, first: ContactEvent) -> IntrinsicRow:
    flat: Row = (*key, *first.event.stamp)
    return IntrinsicRow(*flat)


def _stamp(one: ContactEvent) -> Stamp:
    return one.event.stamp


def _erased(one: ContactEvent, erasures: Erasures) -> Stamp:
    row = erasures.get((one.event.tenant, one.contact_id))
    return (0, "") if row is None else (ErasureRow(*row).at, ErasureRow(*row).event_id)


def _delta(before: IntrinsicRows, after: IntrinsicRows, events: Iterable[ContactEvent]) -> IntrinsicDelta:
    changed = {key: row for key, row in after.items() if row != before.get(key)}
    first = [one for one in vouching(events) if any(_is_first(one, changed.get(key)) for key in keys_of(one))]
    return IntrinsicDelta(list(changed.values()), [], first)


def _is_first(one: ContactEvent, row: IntrinsicRow | None) -> bool:
    return row is not None and row.first == one.event.stamp
