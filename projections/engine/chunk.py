"""Folds a chunk of events into every read model of contacts: load, decide, save.

The chunk's events go into the timeline first, which tells which of them count, and which known ones no longer do. Each
read model then loads the rows that these events are about, folds them (`projection`, which is pure), and saves the rows
that changed. What rows alone cannot tell, after a late or a withdrawn event, is folded again from the contacts'
histories (`refold`). The store does the reading and writing, inside the caller's transaction, so that the rows and the
chunk's offset are committed together.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol

import sqlalchemy as sa

from projections.engine.metadata import Key, Row
from projections.engine.projection import ByType, ContactEvent, Projection, group
from projections.engine.refold import Refold, decide
from projections.engine.stages import enter
from schemas.events import ContactRef, Event


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """What adding a chunk to the timeline showed.

    ``new`` are events never seen before. ``overruling`` are known ones that came with other content, which takes the
    place of what was known, each with what it takes the place of.
    ``counting`` are the events that read models take in now; ``withdrawn`` are those that they have taken in, and that
    no longer count, because of a copy or because another event says more of the same message.
    ``erased`` are events of the chunk that are erased, of which ``erased_again`` were known; ``erasures`` are those
    that now are the latest erasures of their contacts, and ``horizons`` the rows of the latest erasures of all contacts
    of the chunk; ``remade`` are the contacts whose rows are made again from what is left of their histories. Both are
    by (tenant, contact_id).
    """

    new: list[ContactEvent]
    overruling: list[tuple[ContactEvent, ContactEvent]]
    counting: list[ContactEvent]
    withdrawn: list[ContactEvent]
    erased: Sequence[ContactEvent] = ()
    erased_again: Sequence[ContactEvent] = ()
    erasures: Sequence[ContactEvent] = ()
    remade: Mapping[Key, ContactRef] = field(default_factory=dict)
    horizons: Mapping[Key, Row] = field(default_factory=dict)

    @property
    def never_seen(self) -> list[ContactEvent]:
        """The events that came for the first time, erased ones among them."""
        again = {id(one) for one in self.erased_again}
        return [*self.new, *(one for one in self.erased if id(one) not in again)]


class ChunkStore(Protocol):
    """Where the read models of contacts are kept. Whoever calls it holds the transaction."""

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """Add the events to the timeline, each once."""
        ...

    def history(
        self, contacts: Mapping[Key, ContactRef], types: Collection[str]
    ) -> AsyncIterator[Sequence[ContactEvent]]:
        """The recorded events of these types that count, and each contact's earliest but erasures, in pages.

        ``contacts`` are by (tenant, contact_id). Each contact's events come in the order of their stamps.
        """
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
    enter("record")
    recorded = await store.record(events)
    counting, withdrawn = (ByType(_folded_in(recorded, some)) for some in (recorded.counting, recorded.withdrawn))
    projections = list(projections)
    if counting.all or withdrawn.all:
        folded = [await _fold(store, projection, counting, withdrawn) for projection in projections]
        refolds = [one for one in folded if one.stale]
        if refolds:
            await _fold_again(store, refolds, events)
    if recorded.remade:
        contacts = dict(sorted(recorded.remade.items(), key=itemgetter(0)))
        anew = [Refold(one, {key: set(one.parts) for key in contacts}, {}, {}) for one in projections]
        await _fold_from_history(store, anew, contacts, whole=True)
    return recorded


def _folded_in(recorded: RecordedEvents, events: Iterable[ContactEvent]) -> list[ContactEvent]:
    """The events that are folded into rows as these are."""
    remade = recorded.remade
    return [
        one
        for one in events
        if one.event.contact is not None and (not remade or (one.event.tenant, one.contact_id) not in remade)
    ]


async def _fold(store: ChunkStore, projection: Projection, counting: ByType, withdrawn: ByType) -> Refold:
    """Save what can be folded; what has to be folded again."""
    enter("decide")
    new: dict[Key, list[Event]] = group(projection, counting.of(projection.types))
    gone: dict[Key, list[Event]] = group(projection, withdrawn.of(projection.types)) if withdrawn.all else {}
    enter("load")
    rows = await store.load(projection.table, list({**new, **gone}))
    enter("decide")
    changed, stale = decide(projection, rows, new, gone)
    enter("save")
    await store.save(projection.table, changed)
    return Refold(projection, stale, rows, new)


async def _fold_again(store: ChunkStore, refolds: Sequence[Refold], events: Sequence[ContactEvent]) -> None:
    """Replace what is stale by what the histories give, which are read once for all read models."""
    contacts = _contacts(events, {key for one in refolds for key in one.stale})
    await _fold_from_history(store, refolds, contacts, whole=False)


async def _fold_from_history(
    store: ChunkStore, refolds: Sequence[Refold], contacts: Mapping[Key, ContactRef], *, whole: bool
) -> None:
    """Make rows from histories; with ``whole`` all rows of the contacts, so that those without events have none."""
    types = frozenset[str]().union(*(one.types for one in refolds))
    enter("load")
    async for page in store.history(contacts, types):
        for refold in refolds:
            refold.take(page)
    enter("save")
    for refold in refolds:
        table = refold.projection.table
        if whole or not refold.of_columns:
            await store.delete_contacts(table, list(refold.stale))
        await store.save(table, refold.made())


def _contacts(events: Sequence[ContactEvent], wanted: set[Key]) -> dict[Key, ContactRef]:
    """The contacts of these keys, in the order of the keys."""
    found = {
        key: one.event.contact
        for one in events
        if one.event.contact is not None and (key := (one.event.tenant, one.contact_id)) in wanted
    }
    return dict(sorted(found.items(), key=itemgetter(0)))
