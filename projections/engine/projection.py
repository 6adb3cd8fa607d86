"""A read model as a pure fold.

The timeline is a contact's set of events; every other read model is a function of that set. A fold takes the row as it
is and the chunk's new events, in the order of their stamps, each event once. Where an event came so late that the row
cannot tell what it changes (a block in the middle of a subscription, say), the fold answers ``None``, and is folded
again from the contact's history, in the order of time; then it always can. So no row depends on the order of arrival,
and rows stay small.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.metadata import Key, Row
from projections.engine.parts import Owes, Part, always
from schemas.events import Event

ERASED: Final = "contact.erased"
EVENTS_ERASED: Final = "contact.events_erased"
ERASING: Final = frozenset({ERASED, EVENTS_ERASED})  # they leave no trace in a read model: see `projections.erasures`
Fold = Callable[[Row | None, Key, Sequence[Event]], Row | None]
Suffixes = Callable[[Event], Iterable[Key]]


@dataclass(frozen=True)
class Projection:
    """A read model: its table, the version of its fold, the types it is about (none: all), and the fold.

    ``version`` goes up with every change of the fold that gives other rows for the same events: a generation keeps it,
    and code with another version refuses the generation (`generations`).
    ``suffixes(event)`` are the parts of the keys after (tenant, contact_id): which rows the event is about.
    ``fold(row, key, events)`` gives the row as it becomes, or None where it needs the history of the first part;
    ``row`` is None where there is none yet, and ``events`` are in the order of their stamps.
    ``columns`` are the parts of a row that are folded again by themselves. Without any, all rows of a contact are,
    where ``owes`` says that one of them may contain a withdrawn event.
    """

    table: sa.Table
    version: int
    types: frozenset[str] | None
    suffixes: Suffixes
    fold: Fold
    columns: tuple[Part, ...] = ()
    owes: Owes = always

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What can be folded again by itself; the first part is what a late event needs."""
        return self.columns or (Part(self.types or frozenset(), self.owes),)


class ContactEvent(NamedTuple):
    """An event and the permanent id of its contact."""

    contact_id: UUID
    event: Event


class ByType:
    """Events sorted once by their types, for read models that are about few of them."""

    def __init__(self, events: Iterable[ContactEvent]) -> None:
        self.all = list(events)
        self._by_type: dict[str, list[ContactEvent]] = {}
        for one in self.all:
            self._by_type.setdefault(one.event.type, []).append(one)

    def of(self, types: frozenset[str] | None) -> list[ContactEvent]:
        """The events of these types (none: all), in an order that depends on them alone."""
        if types is None:
            return self.all
        return [one for name in sorted(types) for one in self._by_type.get(name, ())]


def group(projection: Projection, events: Iterable[ContactEvent]) -> dict[Key, list[Event]]:
    """The events of each row's key, in the order of their stamps."""
    groups: dict[Key, list[Event]] = {}
    suffixes, types = projection.suffixes, projection.types
    for one in events:
        event = one.event
        if event.type not in ERASING if types is None else event.type in types:
            for suffix in suffixes(event):
                key = (event.tenant, one.contact_id, *suffix)
                if key in groups:
                    groups[key].append(event)
                else:
                    groups[key] = [event]
    for of_key in groups.values():
        if len(of_key) > 1:
            of_key.sort(key=_stamp)
    return groups


def fold_groups(
    projection: Projection, rows: dict[Key, Row], groups: dict[Key, list[Event]]
) -> tuple[list[Row], set[Key]]:
    """The rows that changed, and the (tenant, contact_id) whose whole history is needed first."""
    changed: list[Row] = []
    out_of_order: set[Key] = set()
    fold = projection.fold
    for key, events in groups.items():
        before = rows.get(key)
        after = fold(before, key, events)
        if after is None:
            out_of_order.add(key[:2])
        elif after != before:
            changed.append(after)
    if out_of_order:
        changed = [row for row in changed if row[:2] not in out_of_order]
    return changed, out_of_order


def fold_all(projection: Projection, events: Iterable[ContactEvent]) -> list[Row]:
    """Every row of the read model, from the whole set of events: what any sequence of chunks must come to."""
    rows, out_of_order = fold_groups(projection, {}, group(projection, events))
    if out_of_order:
        raise AssertionError(f"the fold of {projection.table.name} asked for the history that it was given")
    return rows


def _stamp(event: Event) -> tuple[int, str]:
    return (event.occurred_at, event.event_id)
