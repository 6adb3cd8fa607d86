"""The bare pipeline: fetch, decode, COPY, commit, and nothing else. A worker can't be faster than this.

It reads the same log with the same client, fetch size and chunk size, decodes with the same codec to the same events
and contact ids, works on as many chunks at once, on the same event loop, with the same settings of the garbage
collector, and commits once a chunk. It writes the timeline's row of each event and, to each other table, one row for
every key that the chunk would change, made from the latest event about it. It does not load, fold, look for duplicates,
keep offsets, pass evidence on or resolve identity, although Onefold is timed for all of that. The timeline's table has
the same indexes as Onefold's (not as constraints, because there are duplicates); the others have none, because the same
row is written many times.
"""

from collections.abc import Iterator
from typing import Any, Final

import asyncpg
import sqlalchemy as sa

from benchmarks.bare_client import LogRecords, seconds_to_copy
from benchmarks.bed import Bed, connected
from benchmarks.end_to_end.children import rate_of, run_child
from benchmarks.figures import BenchmarkFailed
from projections.contacts.folds import CUSTOMER_TYPES
from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.ids import IdOf
from projections.engine.metadata import Row, key_columns, row_columns
from projections.engine.projection import ContactEvent, Projection, group
from projections.engine.statements import ddl
from projections.engine.topic_keys import contacts_key as key_of
from projections.registry import CONTACT_TABLES, PROJECTIONS
from projections.timeline.folds import row_of
from projections.timeline.tables import TABLE as TIMELINE
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.runtime.contact_ids import id_of
from services.runtime.database import create_pool
from services.runtime.decoding import decode_records
from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import Settings
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE

_SCHEMA: Final = "bare"
_NO_CHANGE: Final = frozenset({"web.tracked", "tag.added", "tag.removed", "attribute.set", "attribute.unset"})
_ONE_RUN: Final = '[[true,1780000000000,"bench:00000000",1780000000000,"bench:00000000"]]'


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s."""
    rate = await rate_of(bed, settings, __name__, events)
    async with connected(settings.database_url) as connection:
        found = await connection.fetchval(f"SELECT count(*) FROM {_SCHEMA}.timeline")
    if found != events:
        raise BenchmarkFailed(f"of {events} events the bare pipeline wrote {found}")
    return rate


class Pipeline:
    """Chunks in, rows out."""

    def __init__(self, pool: asyncpg.Pool, identify: IdOf) -> None:
        self._pool = pool
        self._identify = identify
        self._seen: set[Any] = set()
        self._columns = {table: [column.name for column in row_columns(table)] for table in CONTACT_TABLES}

    async def copy(self, records: LogRecords) -> None:
        """One chunk, one transaction."""
        events = decode_records(records, self._identify, key_of).events
        rows: dict[sa.Table, list[Row]] = {TIMELINE: [row_of(one) for one in events]}
        rows |= {one.table: list(self._rows(one, events)) for one in PROJECTIONS}
        async with self._pool.acquire() as connection, connection.transaction():
            for table, found in rows.items():
                if found:
                    await connection.copy_records_to_table(table.name, records=found, columns=self._columns[table])

    def _rows(self, projection: Projection, events: list[ContactEvent]) -> Iterator[Row]:
        if projection.table is CONTACTS:
            yield from self._contacts(events)
            return
        for key, found in group(projection, events).items():
            row = projection.fold(None, key, found[-1:])
            if row is not None:
                yield row

    def _contacts(self, events: list[ContactEvent]) -> Iterator[ContactRow]:
        """A row for each contact that is new here or has an event that changes its row."""
        latest: dict[Any, Event] = {}
        for one in events:
            if one.event.type not in _NO_CHANGE or one.contact_id not in self._seen:
                self._seen.add(one.contact_id)
                latest[one.contact_id] = one.event
        for contact_id, event in latest.items():
            contact, at = event.contact, event.occurred_at
            if contact is not None:
                yield ContactRow(
                    event.tenant,
                    contact_id,
                    contact.channel,
                    contact.account,
                    contact.uid,
                    at,
                    last_customer_at=at if event.type in CUSTOMER_TYPES else None,
                    runs=_ONE_RUN,
                )


async def _run(settings: Settings, events: int) -> float:
    """Return the seconds it took."""
    await _make_tables(settings)
    pool = create_pool(settings.database_url, schema=_SCHEMA, max_size=CHUNKS_AT_ONCE)
    async with pool:
        pipeline = Pipeline(pool, id_of(settings.master_key))
        return await seconds_to_copy(settings, CHANNEL_EVENTS, events, pipeline.copy)


async def _make_tables(settings: Settings) -> None:
    async with connected(settings.database_url) as connection:
        await connection.execute(f"CREATE SCHEMA {_SCHEMA}; SET search_path TO {_SCHEMA}")
        for table in CONTACT_TABLES:
            for statement in _ddl(table):
                await connection.execute(statement)


def _ddl(table: sa.Table) -> Iterator[str]:
    """The table without its primary key; the timeline's key as an ordinary index, beside its other ones."""
    bare = sa.Table(
        table.name, sa.MetaData(), *(sa.Column(one.name, one.type, nullable=one.nullable) for one in table.columns)
    )
    if table is TIMELINE:
        sa.Index("timeline_key", *(bare.c[one.name] for one in key_columns(table)))
    yield from ddl(bare)
    if table is TIMELINE:
        yield from ddl(table)[1:]


def main() -> None:
    """Run the process."""
    tune_gc()
    run_child(_run)


if __name__ == "__main__":
    main()
