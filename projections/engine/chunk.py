"""Folds a chunk of events into every read model of contacts: load, decide, save.

The chunk's events go into the timeline first, which tells the new ones apart. Each read model then loads the rows that
the new events are about, folds them (`projection`, which is pure), and saves the rows that changed. Contacts whose rows
cannot tell what a late event changes are folded again from their whole history. The store does the reading and writing,
inside the caller's transaction, so that the rows and the chunk's offset are committed together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import sqlalchemy as sa

from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import Key, Row
from projections.engine.projection import ByType, ContactEvent, Projection, fold_all, fold_groups, group
from schemas.events import ContactRef, Event


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """What adding a chunk to the timeline showed.

    ``new`` are events never seen before. ``overruling`` are known ones that came with other content, which takes the
    place of what was known, each with what it takes the place of.
    """

    new: list[ContactEvent]
    overruling: list[tuple[ContactEvent, ContactEvent]]

    @property
    def conflicting(self) -> set[Key]:
        """The (tenant, contact_id) whose rows must be folded again from their history."""
        return {(one.event.tenant, one.contact_id) for one, _ in self.overruling}


class ChunkStore(Protocol):
    """Where the read models of contacts are kept. Whoever calls it holds the transaction."""

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """Add the events to the timeline, each once."""
        ...

    async def history(self, contacts: Mapping[Key, ContactRef], types: Collection[str] | None) -> list[ContactEvent]:
        """Every recorded event of these (tenant, contact_id), of these types (none: all), in no particular order."""
        ...

    async def load(self, table: sa.Table, keys: Collection[Key]) -> dict[Key, Any]:
        """The rows that exist, by key."""
        ...

    async def save(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Write the rows, new ones and known ones alike. Each key comes once."""
        ...

    async def delete_contacts(self, table: sa.Table, contacts: Collection[Key]) -> None:
        """Remove every row of these (tenant, contact_id)."""
        ...


async def project(
    store: ChunkStore, projections: Iterable[Projection], events: Sequence[ContactEvent]
) -> RecordedEvents:
    """Fold the events in; which of them were new, or count instead of known ones. Raises what the store raises."""
    recorded = await store.record(events)
    new = ByType(one for one in recorded.new if one.event.contact is not None)
    conflicting = {key for key in recorded.conflicting if key[1] != NO_CONTACT}
    if new.all or conflicting:
        for projection in projections:
            out_of_order = await _fold(store, projection, new.of(projection.types), conflicting)
            if again := out_of_order | conflicting:
                await _refold(store, projection, _contacts(events, again))
    return recorded


async def _fold(
    store: ChunkStore, projection: Projection, new: Sequence[ContactEvent], conflicting: set[Key]
) -> set[Key]:
    """Save what can be folded; the (tenant, contact_id) that need their whole history."""
    groups: dict[Key, list[Event]] = group(projection, new)
    rows = await store.load(projection.table, list(groups))
    changed, out_of_order = fold_groups(projection, rows, groups)
    again = out_of_order | conflicting
    await store.save(projection.table, [row for row in changed if row[:2] not in again])
    return out_of_order


async def _refold(store: ChunkStore, projection: Projection, contacts: dict[Key, ContactRef]) -> None:
    """Replace these contacts' rows by those of their whole history."""
    events = await store.history(contacts, projection.types)
    await store.delete_contacts(projection.table, list(contacts))
    await store.save(projection.table, fold_all(projection, events))


def _contacts(events: Sequence[ContactEvent], wanted: set[Key]) -> dict[Key, ContactRef]:
    """The contacts of these keys, in the order of the keys."""
    found = {
        key: one.event.contact
        for one in events
        if one.event.contact is not None and (key := (one.event.tenant, one.contact_id)) in wanted
    }
    return dict(sorted(found.items(), key=itemgetter(0)))
