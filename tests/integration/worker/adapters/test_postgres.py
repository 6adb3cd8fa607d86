"""A transaction that PostgreSQL ends again and again is told from an outage of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from projections.engine.generations import ensure_generation
from projections.engine.offsets import Counts, OffsetCommit
from projections.registry import SCHEMA
from services.runtime.database import create_pool
from services.runtime.retrying import Retrier
from services.worker.adapters.postgres import PostgresReadModelWriter
from services.worker.ports import FailsRepeatedly, Fenced

NO_EVENTS: list[Any] = []
LIMIT = 1.5  # s; what is not to be ended may take a while on a busy machine


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    connection = await asyncpg.connect(database)
    await ensure_generation(connection, SCHEMA)
    await connection.execute("CREATE TABLE g1.locked ()")
    async with create_pool(
        database, schema="g1", statement_timeout=LIMIT, idle_in_transaction=LIMIT, lock_timeout="150"
    ) as made:
        yield made
    await connection.close()


async def save(pool: asyncpg.Pool, attempt: Any) -> tuple[Exception | None, int]:
    """What saving comes to, and after how many attempts."""
    attempts = 0

    async def save_events(connection: Any, _: Any, partition: int) -> int:
        assert partition == 0
        nonlocal attempts
        attempts += 1
        await attempt(connection, attempts)
        return 0

    writer = PostgresReadModelWriter(pool, Retrier(), attempt_within=2 * LIMIT)
    owner = (await writer.acquire("t", [0]))[0]
    try:
        await writer.save(save_events, NO_EVENTS, OffsetCommit("t", 0, owner.epoch, 0, 1, Counts()))
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        return error, attempts
    return None, attempts


async def works_too_long(connection: Any, _: int) -> None:
    await connection.execute("SELECT pg_sleep(60)")


async def is_silent_too_long(connection: Any, _: int) -> None:
    await asyncio.sleep(2 * LIMIT)
    await connection.execute("SELECT 1")


async def takes_too_long_in_all(connection: Any, _: int) -> None:
    for _ in range(100):
        await connection.execute("SELECT pg_sleep(0.1)")


async def ends_its_own_session(connection: Any, _: int) -> None:
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("attempt", [works_too_long, is_silent_too_long, takes_too_long_in_all, ends_its_own_session])
async def test_a_transaction_that_always_ends_the_same_way_is_given_up(pool: asyncpg.Pool, attempt: Any) -> None:
    error, attempts = await save(pool, attempt)
    assert isinstance(error, FailsRepeatedly)
    assert attempts == 3


async def test_what_fails_twice_and_then_succeeds_is_saved(pool: asyncpg.Pool) -> None:
    async def at_last(connection: Any, number: int) -> None:
        if number < 3:
            await works_too_long(connection, number)

    assert await save(pool, at_last) == (None, 3)


async def test_waiting_for_the_lock_of_another_is_never_given_up(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as other:
        # The holder must not be silent for too long either.
        await other.execute("SET idle_in_transaction_session_timeout = 0")
        holding = other.transaction()
        await holding.start()
        await other.execute("LOCK TABLE locked")

        async def needs_the_lock(connection: Any, number: int) -> None:
            if number == 5:
                await holding.rollback()
            await connection.execute("SELECT FROM locked")

        assert await save(pool, needs_the_lock) == (None, 5)


async def test_of_several_partitions_nothing_is_saved_if_one_is_fenced(pool: asyncpg.Pool) -> None:
    async def save_events(connection: Any, partitions: Any, numbers: Any) -> list[int]:
        assert list(numbers) == [0, 1]
        await connection.execute("CREATE TABLE saved ()")
        return [0 for _ in partitions]

    writer = PostgresReadModelWriter(pool, Retrier())
    old = await writer.acquire("t", [0, 1])
    new = await writer.acquire("t", [1])
    fenced, owned = ([OffsetCommit("t", it, of[it].epoch, 0, 1, Counts()) for it in (0, 1)] for of in (old, old | new))
    with pytest.raises(Fenced):
        await writer.save_together(save_events, [NO_EVENTS, NO_EVENTS], fenced)
    assert await pool.fetchval("SELECT to_regclass('saved') IS NULL AND max(next_offset) = 0 FROM offsets")
    assert await writer.save_together(save_events, [NO_EVENTS, NO_EVENTS], owned) == [0, 0]
    assert await pool.fetchval("SELECT min(next_offset) FROM offsets") == 1
