"""A store that passes everything on to another one: what watches a chunk's rows overrides what it watches."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from projections.engine.chunk import ChunkStore, RecordedEvents
from projections.engine.metadata import Key, Row, Table
from projections.engine.projection import ContactEvent
from schemas.events import ContactRef


class ForwardingStore:
    """See `ChunkStore`; every call is the other store's."""

    def __init__(self, store: ChunkStore) -> None:
        self._store = store

    async def record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """See `ChunkStore`."""
        return await self._store.record(events)

    def history(
        self, contacts: Mapping[Key, ContactRef], types: Collection[str]
    ) -> AsyncIterator[Sequence[ContactEvent]]:
        """See `ChunkStore`."""
        return self._store.history(contacts, types)

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        return await self._store.load(table, keys)

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        await self._store.save(table, rows)

    async def delete_contacts(self, table: Table, contacts: Collection[Key]) -> None:
        """See `ChunkStore`."""
        await self._store.delete_contacts(table, contacts)
