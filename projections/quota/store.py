"""Counts the valid contacts of a chunk: by what its contacts add to the counters before and after."""

from collections.abc import Callable, Collection
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy.dialects import postgresql

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.chunk import ChunkStore
from projections.engine.connection import Connection
from projections.engine.forwarding import ForwardingStore
from projections.engine.metadata import Key, Row, Table, key_columns
from projections.engine.store import insert, insert_with
from projections.quota.folds import QuotaChanges, difference, row_of, totals
from projections.quota.tables import TABLE


def _add(statement: postgresql.Insert) -> postgresql.Insert:
    sums = {name: TABLE.c[name] + statement.excluded[name] for name in ("valid", "began", "ended")}
    return statement.on_conflict_do_update(index_elements=key_columns(TABLE), set_=sums)


_ADD: Final = insert_with(TABLE, _add)


class CountingStore(ForwardingStore):
    """See `ChunkStore`: passes everything on, and keeps the contacts' rows as they were and as they become."""

    def __init__(self, store: ChunkStore) -> None:
        super().__init__(store)
        self._before: dict[Key, Any] = {}
        self._after: dict[Key, Any] = {}

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        rows = await super().load(table, keys)
        if table is CONTACTS:
            self._before |= rows
        return rows

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        if table is CONTACTS:
            self._after.update((row[:2], row) for row in rows)
        await super().save(table, rows)

    def changes(self, partition_of: Callable[[UUID], int]) -> QuotaChanges:
        """How the chunk changes the counters, by (tenant, partition, channel, account, day)."""
        return totals(
            ((tenant, partition_of(contact_id), *rest), counts)
            for (_, contact_id), row in self._after.items()
            for (tenant, *rest), counts in difference(self._before.get(row[:2]), cast("ContactRow", row)).items()
        )


async def save_changes(connection: Connection, changes: QuotaChanges) -> None:
    """Change the counters, in the chunk's transaction. One statement."""
    await insert(connection, _ADD, [row_of(key, counts) for key, counts in sorted(changes.items())])
