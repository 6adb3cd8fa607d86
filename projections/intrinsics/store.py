"""Loads the rows that a chunk is about, saves those that change, and returns what to send to identity."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final, Protocol

from projections.engine.chunk import RecordedEvents
from projections.engine.connection import Connection
from projections.engine.metadata import Key, key_of
from projections.engine.projection import ERASED, ContactEvent
from projections.engine.stages import enter
from projections.engine.store import columns, delete_matching, load, save, select_matching
from projections.intrinsics import folds
from projections.intrinsics.folds import IntrinsicDelta, IntrinsicRows
from projections.intrinsics.tables import TABLE, IntrinsicRow
from schemas.events import ContactRef

_OF_CONTACTS: Final = select_matching(TABLE, TABLE.c.tenant, TABLE.c.contact_id)
_DELETE: Final = delete_matching(TABLE, *TABLE.primary_key)


class Histories(Protocol):
    """Where the events of contacts are kept."""

    def vouching(self, contacts: Mapping[Key, ContactRef]) -> AsyncIterator[Sequence[ContactEvent]]:
        """All events of the contacts with intrinsic identifiers, in pages and in no particular order."""
        ...


async def save_chunk(connection: Connection, store: Histories, recorded: RecordedEvents) -> list[ContactEvent]:
    """Load, decide, save. Returns the events that are now the first of an intrinsic identifier.

    The chunk is recorded in the timeline, and erasures are folded, in the same transaction.
    """
    enter("decide")
    again = contacts_again(recorded)
    first: list[ContactEvent] = []
    if again:
        enter("load")
        earliest: dict[Key, ContactEvent] = {}
        async for page in store.vouching(again):
            folds.add_first(earliest, page, recorded.horizons)
        first += await _save(connection, folds.decide_again(await _all_rows(connection, again), earliest))
    new = [one for one in folds.vouching(recorded.new) if (one.event.tenant, one.contact_id) not in again]
    if new:
        enter("load")
        known = await load(connection, TABLE, list({key for one in new for key in folds.keys_of(one)}))
        first += await _save(connection, folds.decide(known, new, recorded.horizons))
    return first


def contacts_again(recorded: RecordedEvents) -> dict[Key, ContactRef]:
    """The contacts whose rows are made again: those erased, and those of which a known event counts otherwise."""
    copies = [one for pair in recorded.overruling if any(map(_decides, pair)) for one in pair]
    events = [*recorded.new, *copies]
    wanted = folds.erased_in(recorded.new) | {(one.event.tenant, one.contact_id) for one in copies}
    if not wanted:
        return dict(recorded.remade)
    return {
        key: one.event.contact
        for one in events
        if one.event.contact is not None and (key := (one.event.tenant, one.contact_id)) in wanted
    } | dict(recorded.remade)


def _decides(one: ContactEvent) -> bool:
    return bool(one.event.intrinsic) or one.event.type == ERASED


async def _all_rows(connection: Connection, contacts: Collection[Key]) -> IntrinsicRows:
    rows = [IntrinsicRow(*record) for record in await connection.fetch(_OF_CONTACTS, *columns(contacts))]
    return {key_of(TABLE, row): row for row in rows}


async def _save(connection: Connection, delta: IntrinsicDelta) -> list[ContactEvent]:
    if delta.gone:
        await connection.execute(_DELETE, *columns(delta.gone))
    await save(connection, TABLE, delta.rows)
    return delta.first
