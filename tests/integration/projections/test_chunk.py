"""The engine on PostgreSQL: chunks of events come to the same rows as the pure fold of them all at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.engine import store
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.generation_tables import create_generation
from projections.engine.metadata import Rows, key_of, row_columns, row_type
from projections.engine.projection import ContactEvent
from projections.reference import fold_log
from projections.registry import CONTACT_TABLES, PROJECTIONS, SCHEMA, TABLES
from projections.timeline.bulk import BulkStore
from projections.timeline.folds import distinct
from projections.timeline.store import PostgresStore
from schemas.codec import decode
from schemas.events import Event
from tests.support.examples import examples
from tests.support.strategies import event_lists
from tests.support.twin import chunkings, contact_events, crowded
from tests.support.workload import workload


@asynccontextmanager
async def generation(url: str, name: str) -> AsyncIterator[Connection]:
    """A connection that sees a new generation."""
    connection = await asyncpg.connect(url, server_settings={"search_path": name})
    try:
        await create_generation(connection, name, SCHEMA)
        yield connection
    finally:
        await connection.close()


async def fold(
    connection: Connection, chunks: Sequence[Sequence[ContactEvent]], store_of: type[PostgresStore] = PostgresStore
) -> int:
    new = 0
    for chunk in chunks:
        async with connection.transaction():
            new += len((await project(store_of(connection), PROJECTIONS, chunk)).never_seen)
    return new


async def rows(connection: Connection) -> dict[sa.Table, Rows]:
    found = {}
    for table in CONTACT_TABLES:
        names = ", ".join(column.name for column in row_columns(table))
        read = [row_type(table)(*record) for record in await connection.fetch(f"SELECT {names} FROM {table.name}")]
        found[table] = {key_of(table, row): row for row in read}
    return found


async def empty(connection: Connection) -> None:
    await connection.execute("TRUNCATE " + ", ".join(f'"{table.name}"' for table in TABLES))


@pytest.mark.parametrize(
    ("moments", "store_of", "many"),
    [("as drawn", PostgresStore, 200), ("crowded", PostgresStore, 1), ("crowded", BulkStore, 1)],
)
def test_any_chunks_of_a_few_events_come_to_the_rows_of_the_set(
    database: str, monkeypatch: pytest.MonkeyPatch, moments: str, store_of: type[PostgresStore], many: int
) -> None:
    """Repeats, the same id with other content, and late events that need a contact's history are all among them.

    From ``many`` rows on they go by COPY.
    """
    monkeypatch.setattr(store, "MANY", many)
    with asyncio.Runner() as runner:
        opened = generation(database, "few")
        connection = runner.run(opened.__aenter__())

        @settings(max_examples=examples(60), deadline=None)
        @given(st.data(), event_lists(max_size=25))
        def holds(data: st.DataObject, events: list[Event]) -> None:
            events = events if moments == "as drawn" else crowded(events)
            runner.run(empty(connection))
            chunks = [contact_events(chunk) for chunk in data.draw(chunkings(events))]
            new = runner.run(fold(connection, chunks, store_of))
            expected = fold_log(PROJECTIONS, contact_events(events))
            assert runner.run(rows(connection)) == expected
            assert new == len(distinct(contact_events(events)))

        try:
            holds()
        finally:
            runner.run(opened.__aexit__(None, None, None))


@pytest.mark.parametrize(
    ("size", "store_of"), [(7, PostgresStore), (450, PostgresStore), (1999, PostgresStore), (450, BulkStore)]
)
async def test_chunks_of_any_size_come_to_the_same_rows(
    database: str, size: int, store_of: type[PostgresStore]
) -> None:
    """Few rows travel as arrays, and many by COPY."""
    events = messy(3000, seed=size)
    async with generation(database, "sized") as connection:
        await fold(connection, [events[start : start + size] for start in range(0, len(events), size)], store_of)
        assert await rows(connection) == fold_log(PROJECTIONS, events)


async def test_two_generations_side_by_side_do_not_touch_each_other(database: str) -> None:
    events = messy(1500, seed=5)
    async with generation(database, "one") as one, generation(database, "two") as two:
        await asyncio.gather(fold(one, [events[:700], events[700:]]), fold(two, [events[1000:], events[500:1000]]))
        assert await rows(one) == fold_log(PROJECTIONS, events)
        assert await rows(two) == fold_log(PROJECTIONS, events[500:])


async def test_small_and_large_chunks_may_take_turns_in_one_generation(database: str) -> None:
    """A generation that is built is fed by both: by the workers of a rebuild, and later by those of the service."""
    events = messy(1500, seed=8)
    async with generation(database, "turns") as connection:
        await fold(connection, [events[:300]])
        await fold(connection, [events[:900]], BulkStore)
        await fold(connection, [events[600:1200], events])
        assert await rows(connection) == fold_log(PROJECTIONS, events)


async def test_a_chunk_that_is_rolled_back_leaves_nothing(database: str) -> None:
    events = messy(800, seed=6)
    async with generation(database, "gone") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await project(PostgresStore(connection), PROJECTIONS, events)
        await transaction.rollback()
        assert all(not found for found in (await rows(connection)).values())
        assert await fold(connection, [events]) == len(distinct(events))


def messy(size: int, seed: int) -> list[ContactEvent]:
    """A day's events out of order, some twice, some again with other content."""
    rng = Random(seed)
    events = [decode(value) for _, value in workload(size, 150, seed)]
    events += rng.sample(events, size // 20)
    events += [one.model_copy(update={"occurred_at": one.occurred_at - 86_400_000}) for one in rng.sample(events, 40)]
    rng.shuffle(events)
    return contact_events(events)
