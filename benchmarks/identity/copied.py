"""COPY of what was decided beforehand: identity can't be resolved faster than what it comes to can be written.

It reads the same log with the same client, decodes with the same codec to the same events and contact ids, works on as
many chunks at once, with the same settings of the garbage collector, and commits once a chunk. It writes the rows of
``statements`` and ``members`` that Onefold ended with: an event's row where the event comes first, all nodes of a
contact where its first event comes. They are in memory before the clock starts. The tables are Onefold's, with their
keys and indexes. It does not look for duplicates, load, decide or keep offsets, and it writes none of what Onefold
needs to know besides: no holdings, customers, references, conflicts and changes.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import asyncpg
import sqlalchemy as sa

from benchmarks.bare_client import LogRecords, seconds_to_copy
from benchmarks.bed import Bed, connected, generation_of, reading
from benchmarks.end_to_end.children import rate_of, run_child
from benchmarks.figures import BenchmarkFailed
from projections.engine.ids import IdOf
from projections.engine.metadata import Row, row_columns
from projections.engine.projection import ContactEvent
from projections.engine.statements import ddl
from projections.engine.topic_keys import evidence_key
from projections.identity.tables import MEMBERS, STATEMENTS, MemberRow, StatementRow
from schemas.topics import IDENTITY_EVIDENCE
from services.runtime.contact_ids import id_of
from services.runtime.database import create_pool
from services.runtime.decoding import decode_records
from services.runtime.gc_tuning import tune_gc
from services.runtime.settings import Settings
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE

_SCHEMA: Final = "copied"
_TABLES: Final = (STATEMENTS, MEMBERS)


async def run(bed: Bed, settings: Settings, events: int) -> float:
    """Return its events/s; Onefold has folded the same log into the generation of the settings."""
    rate = await rate_of(bed, settings, __name__, events)
    async with reading(settings) as connection:
        for table in _TABLES:
            given, found = [
                await connection.fetchval(f"SELECT count(*) FROM {schema}.{table.name}")
                for schema in (generation_of(settings), _SCHEMA)
            ]
            if found != given:
                raise BenchmarkFailed(f"of {given} rows of {table.name} {found} were copied")
    return rate


class DecidedRows:
    """The rows that are to be copied, each given once."""

    def __init__(self, statements: Iterable[StatementRow], members: Iterable[MemberRow]) -> None:
        self._statements = {row[:3]: row for row in statements}
        self._members: defaultdict[Any, list[MemberRow]] = defaultdict(list)
        for row in members:
            self._members[row.tenant, row.contact_id].append(row)

    def of(self, events: Iterable[ContactEvent]) -> dict[sa.Table, list[Row]]:
        """The rows of a chunk's events that were not given before, by table."""
        found: dict[sa.Table, list[Row]] = {STATEMENTS: [], MEMBERS: []}
        for one in events:
            contact = (one.event.tenant, one.contact_id)
            statement = self._statements.pop((*contact, one.event.event_id), None)
            if statement is not None:
                found[STATEMENTS].append(statement)
            found[MEMBERS] += self._members.pop(contact, ())
        return found


class RowCopier:
    """Chunks in, rows out."""

    def __init__(self, pool: asyncpg.Pool, identify: IdOf, decided: DecidedRows) -> None:
        self._pool = pool
        self._identify = identify
        self._decided = decided
        self._columns = {table: [column.name for column in row_columns(table)] for table in _TABLES}

    async def copy(self, records: LogRecords) -> None:
        """One chunk, one transaction."""
        rows = self._decided.of(decode_records(records, self._identify, evidence_key).events)
        async with self._pool.acquire() as connection, connection.transaction():
            for table, found in rows.items():
                await connection.copy_records_to_table(table.name, records=found, columns=self._columns[table])


async def _run(settings: Settings, events: int) -> float:
    """Return the seconds it took."""
    await _make_tables(settings)
    decided = await _decided(settings)
    tune_gc()
    async with create_pool(settings.database_url, schema=_SCHEMA, max_size=CHUNKS_AT_ONCE) as pool:
        pipeline = RowCopier(pool, id_of(settings.master_key), decided)
        return await seconds_to_copy(settings, IDENTITY_EVIDENCE, events, pipeline.copy)


async def _decided(settings: Settings) -> DecidedRows:
    async with reading(settings) as connection:
        statements = await connection.fetch(f"SELECT {', '.join(StatementRow._fields)} FROM {STATEMENTS.name}")
        members = await connection.fetch(f"SELECT {', '.join(MemberRow._fields)} FROM {MEMBERS.name}")
    return DecidedRows((StatementRow(*row) for row in statements), (MemberRow(*row) for row in members))


async def _make_tables(settings: Settings) -> None:
    async with connected(settings.database_url) as connection:
        await connection.execute(f"CREATE SCHEMA {_SCHEMA}; SET search_path TO {_SCHEMA}")
        for table in _TABLES:
            for statement in ddl(table):
                await connection.execute(statement)
        await connection.execute("CHECKPOINT")  # so that writing what Onefold wrote costs no time later


def main() -> None:
    """Run the process."""
    run_child(_run)


if __name__ == "__main__":
    main()
