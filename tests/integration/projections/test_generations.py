"""Which generation is active, who may use it, and what comes after it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from projections.engine.connection import Connection
from projections.engine.generation_records import Generation, IncompatibleGeneration, NoGeneration
from projections.engine.generation_tables import create_generation, index_for_readers
from projections.engine.generations import (
    active_generation,
    add_generation,
    ensure_generation,
    next_generation,
    start_afresh,
)
from projections.engine.paces import FULL, keep_pace, read_pace, set_pace
from projections.migrations.upgrade import upgrade
from projections.registry import SCHEMA
from tests.support.older_data import OLDER_EVENTS, load_older_data

OTHERS = replace(SCHEMA, fold_versions={**SCHEMA.fold_versions, "tags": 99})


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    made = await asyncpg.connect(database)
    yield made
    await made.close()


@pytest.fixture
async def older(connection: Connection) -> Any:
    """A database as an older version left it, with its control tables not migrated yet."""
    await load_older_data(connection)
    return connection


async def test_the_first_generation_is_made_once(connection: Connection) -> None:
    with pytest.raises(NoGeneration, match="onefold migrate"):
        await active_generation(connection, SCHEMA)
    first = await ensure_generation(connection, SCHEMA)
    assert first == Generation("g1", "", "")
    assert await ensure_generation(connection, SCHEMA) == first
    assert await active_generation(connection, SCHEMA) == first
    assert await connection.fetchval("SELECT count(*) FROM g1.contacts") == 0


async def test_a_generation_without_the_indexes_for_readers_gets_the_same_ones_later(connection: Connection) -> None:
    await create_generation(connection, "g1", SCHEMA)
    await create_generation(connection, "g2", SCHEMA, for_readers=False)
    assert await _indexes(connection, "g2") == await _indexes(connection, "g1") - SCHEMA.indexes_for_readers.keys()
    for _ in range(2):
        await index_for_readers(connection, "g2", SCHEMA)
        assert await _indexes(connection, "g2") == await _indexes(connection, "g1")


async def _indexes(connection: Connection, generation: str) -> set[str]:
    found = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = $1", generation)
    return {row["indexname"] for row in found}


async def test_a_pace_that_was_ended_is_not_taken_up_again(connection: Connection) -> None:
    await ensure_generation(connection, SCHEMA)
    await add_generation(connection, Generation("g2", "g2", "g2"), SCHEMA)
    await set_pace(connection, "g2", 0.1)
    await keep_pace(connection, "g2", 0.2)
    assert await read_pace(connection, "g2") == 0.2
    await set_pace(connection, "g2", None)  # by what builds, while another process still measures
    await keep_pace(connection, "g2", 0.3)
    assert await read_pace(connection, "g2") == FULL


async def test_a_generation_of_other_folds_is_refused(connection: Connection) -> None:
    await ensure_generation(connection, OTHERS)
    for use in (active_generation, ensure_generation):
        with pytest.raises(IncompatibleGeneration, match=r"generation g1 .* `onefold rebuild --swap`"):
            await use(connection, SCHEMA)


async def test_a_generation_without_a_digest_is_refused_before_and_after_migrating(older: Any, database: str) -> None:
    with pytest.raises(IncompatibleGeneration):
        await active_generation(older, SCHEMA)
    await upgrade(database)
    with pytest.raises(IncompatibleGeneration):
        await active_generation(older, SCHEMA)


async def test_beginning_afresh_leaves_the_older_generation_as_it_was(older: Any, database: str) -> None:
    await upgrade(database)
    following = await next_generation(older)
    assert following == Generation("g2", "g2", "g2")
    await start_afresh(older, following, SCHEMA)
    assert await active_generation(older, SCHEMA) == following
    states = await older.fetch("SELECT name, state, schema_digest FROM onefold.generations ORDER BY name")
    assert list(map(tuple, states)) == [("g1", "retired", None), ("g2", "active", SCHEMA.digest)]
    assert await older.fetchval("SELECT count(*) FROM g1.timeline") == OLDER_EVENTS
    assert await older.fetchval("SELECT count(*) FROM g2.timeline") == 0
    assert await older.fetchval("SELECT count(*) FROM g2.offsets") == 0


async def test_of_two_who_begin_the_same_generation_one_does(connection: Connection) -> None:
    await ensure_generation(connection, OTHERS)
    following = await next_generation(connection)
    await start_afresh(connection, following, SCHEMA)
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await start_afresh(connection, following, SCHEMA)
    assert await active_generation(connection, SCHEMA) == following
    assert await next_generation(connection) == Generation("g3", "g3", "g3")


async def test_a_generation_that_can_not_be_made_changes_nothing(connection: Connection) -> None:
    first = await ensure_generation(connection, SCHEMA)
    await connection.execute("CREATE SCHEMA g2")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await start_afresh(connection, await next_generation(connection), SCHEMA)
    assert await active_generation(connection, SCHEMA) == first
