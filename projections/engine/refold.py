"""Rows that are made again from their contacts' histories.

The history is read once for all read models that need it, in pages and in the order of time, and only events of the
types that they need. What is held in memory is one page and the contacts' rows, however long a history is; and the
event loop, like the transaction, is never without a statement for longer than a page takes to fold.
"""

from collections.abc import Iterable
from typing import Protocol, cast

from projections.engine.metadata import Key, Row, Rows, key_of
from projections.engine.parts import Part
from projections.engine.projection import ContactEvent, Projection, fold_groups, group
from schemas.events import Event

Stale = dict[Key, set[Part]]  # by (tenant, contact_id): what of the contact's rows is folded again


class _Replaceable(Protocol):
    def _replace(self, **columns: object) -> Row: ...


class Refold:
    """The rows of one read model that are folded again, while they are made.

    ``rows`` are those known of the contacts, and ``new`` the chunk's events of these rows.
    """

    def __init__(self, projection: Projection, stale: Stale, rows: Rows, new: dict[Key, list[Event]]) -> None:
        self.projection = projection
        self.stale = stale
        self.of_columns = bool(projection.columns)
        self._made: Rows = {}
        self._new: dict[Key, list[Event]] = {}
        if self.of_columns:  # the row's other columns stay, and take in the new events
            self._made = {key: blank(row, stale[key]) for key, row in rows.items() if key in stale}
            self._new = {key: events for key, events in new.items() if key in stale}

    @property
    def types(self) -> frozenset[str]:
        """The types of the events that are read again."""
        return frozenset().union(*(part.types for parts in self.stale.values() for part in parts))

    def take(self, page: Iterable[ContactEvent]) -> None:
        """Fold the next events of the histories, which may be of other contacts and types too."""
        mine = (one for one in page if (one.event.tenant, one.contact_id) in self.stale)
        self._fold(group(self.projection, mine))

    def made(self) -> list[Row]:
        """The rows, once all histories are folded."""
        self._fold(self._new)
        return list(self._made.values())

    def _fold(self, groups: dict[Key, list[Event]]) -> None:
        table = self.projection.table
        changed, out_of_order = fold_groups(self.projection, self._made, groups)
        if out_of_order:
            raise AssertionError(f"the fold of {table.name} asked for the history that it was given")
        self._made |= {key_of(table, row): row for row in changed}


def decide(
    projection: Projection, rows: Rows, new: dict[Key, list[Event]], withdrawn: dict[Key, list[Event]]
) -> tuple[list[Row], Stale]:
    """The rows that changed, and what has to be folded again because of withdrawn events, or of late ones."""
    stale: Stale = {}
    for key, events in withdrawn.items():
        parts = {part for part in projection.parts if key in rows and any(part.owes(rows[key], one) for one in events)}
        if parts:
            stale.setdefault(key[:2], set()).update(parts)
    known = rows
    if stale and projection.columns:
        known = {key: blank(row, stale.get(key, set())) for key, row in rows.items()}
    changed, out_of_order = fold_groups(projection, known, new)
    for contact in sorted(out_of_order):
        stale.setdefault(contact, set()).add(projection.parts[0])
    return [row for row in changed if row[:2] not in stale], stale


def blank(row: Row, parts: Iterable[Part]) -> Row:
    """The row without what these parts of it contain."""
    columns = {name: value for part in parts for name, value in (part.blank or {}).items()}
    return cast("_Replaceable", row)._replace(**columns) if columns else row
