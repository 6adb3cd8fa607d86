"""The store of a large chunk, most of whose rows are new: these go by COPY straight into their tables.

It asks first which of the rows are known, so that no insert has to look for conflicts or to tell what it did. Only the
owner of a partition writes the rows of its contacts, so what was not there stays away until this transaction ends.
"""

from collections.abc import Collection, Sequence
from typing import Any

from projections.engine.chunk import RecordedEvents
from projections.engine.connection import Connection
from projections.engine.metadata import Key, Row, Table, key_of, row_columns
from projections.engine.projection import ContactEvent
from projections.timeline.folds import distinct
from projections.timeline.store import PostgresStore
from projections.timeline.tables import TABLE


class BulkStore(PostgresStore):
    """See `ChunkStore`: the same rows as its base class leaves, for less work a row."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._absent: dict[str, set[Key]] = {}  # by table: keys that were asked for, and of which there is no row

    async def _record(self, events: Sequence[ContactEvent]) -> RecordedEvents:
        """One statement and a COPY; more where some of the events are known."""
        chosen = distinct(events)
        known = await self.load(TABLE, list(chosen))
        await self.save(TABLE, [row for key, (row, _) in sorted(chosen.items()) if key not in known])
        overruling = await self._overrule({key: chosen[key] for key in known}) if known else []
        return await self._recorded([one for key, (_, one) in chosen.items() if key not in known], overruling)

    async def load(self, table: Table, keys: Collection[Key]) -> dict[Key, Any]:
        """See `ChunkStore`."""
        rows = await super().load(table, keys)
        self._absent.setdefault(table.name, set()).update(key for key in keys if key not in rows)
        return rows

    async def save(self, table: Table, rows: Collection[Row]) -> None:
        """See `ChunkStore`."""
        absent = self._absent.get(table.name, set())
        new = {key: row for row in rows if (key := key_of(table, row)) in absent}
        if new:
            names = [column.name for column in row_columns(table)]
            await self._connection.copy_records_to_table(table.name, records=new.values(), columns=names)
            absent.difference_update(new)
        await super().save(table, [row for row in rows if key_of(table, row) not in new] if new else rows)
