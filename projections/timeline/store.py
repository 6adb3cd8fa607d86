"""The timeline in PostgreSQL, and the store of a chunk: beside the timeline, the tables that are folded from it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from projections.engine import store
from projections.engine.chunk import RecordedEvents
from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row
from projections.engine.projection import ContactEvent
from projections.engine.statements import array, compiled, unnested
from projections.timeline.folds import distinct, event_of, known_event, overrules, says_otherwise
from projections.timeline.tables import TABLE, TimelineRow
from schemas.events import ContactRef

_IF_NEW: Final = store.insert_new(TABLE)
_CONTACTS: Final = unnested("given", [TABLE.c.tenant, TABLE.c.contact_id])
_TYPES: Final = array("types", sa.Text())
_HISTORY: Final = compiled(
    sa.select(TABLE)
    .join(_CONTACTS, sa.and_(TABLE.c.tenant == _CONTACTS.c.tenant, TABLE.c.contact_id == _CONTACTS.c.contact_id))
    .where(_TYPES.is_(None) | (TABLE.c.type == sa.any_(_TYPES))),
    "tenant",
    "contact_id",
    "types",
)


class PostgresStore:
    """See `ChunkStore`: on one connection, in whose search path the generation comes first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """See `ChunkStore`. One statement; two more where some of the events are known already."""
        chosen = distinct(events)
        rows = [row for row, _ in chosen.values()]
        inserted = await store.insert(self._connection, _IF_NEW, rows)
        if len(inserted) == len(rows):
            return RecordedEvents([one for _, one in chosen.values()], [])
        new = {tuple(record) for record in inserted}
        overruling = await self._overrule({key: one for key, one in chosen.items() if key not in new})
        return RecordedEvents([one for key, (_, one) in chosen.items() if key in new], overruling)

    async def history(self, contacts: Mapping[Key, ContactRef], types: Collection[str] | None) -> list[ContactEvent]:
        """See `ChunkStore`."""
        wanted = None if types is None else sorted(types)
        records = await self._connection.fetch(_HISTORY, *store.columns(contacts), wanted)
        return [event_of(TimelineRow(*record), contacts) for record in records]

    async def load(self, table: sa.Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        return await store.load(self._connection, table, keys)

    async def save(self, table: sa.Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        await store.save(self._connection, table, rows)

    async def delete_contacts(self, table: sa.Table, contacts: Collection[Key]) -> None:
        """See `ChunkStore`."""
        await store.delete_contacts(self._connection, table, contacts)

    async def _overrule(
        self, repeated: Mapping[Key, tuple[TimelineRow, ContactEvent]]
    ) -> list[tuple[ContactEvent, ContactEvent]]:
        """Replace known rows by those that take their place; events that say something else, with the known ones."""
        known: dict[Key, TimelineRow] = await self.load(TABLE, list(repeated))
        better = {key: row for key, (row, _) in repeated.items() if overrules(row, known[key])}
        await self.save(TABLE, sorted(better.values()))
        return [
            (repeated[key][1], known_event(known[key], repeated[key][1]))
            for key, row in better.items()
            if says_otherwise(row, known[key])
        ]
