"""Crossed thresholds of a quota on PostgreSQL: each is announced once, whoever looks, and in whichever generation."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.generations import ensure_generation, share
from projections.engine.ids import NO_CONTACT
from projections.engine.projection import ContactEvent
from projections.identity.outbox import stored_changes
from projections.quota.announcing import announce_crossings
from projections.quota.store import CountingStore, announced_levels, save_changes
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline.store import PostgresStore
from schemas.events import Event
from schemas.quota_changes import QuotaCrossed, crossing_in
from services.verify.check_quota import Crossings, add_crossings, compare_crossings
from services.worker.background.thresholds import QuotaThresholds
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.strategies import BASE_MS
from tests.support.streams import id_of


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    async with asyncio.timeout(240):
        made = await connected(database, "onefold")
        await ensure_generation(made, SCHEMA)
        await made.execute("SET search_path TO g1")
        yield made
        await made.close()


async def connected(url: str, schema: str) -> Any:
    return await asyncpg.connect(url, server_settings={"search_path": schema})


async def fold(connection: Connection, *events: Event, partition: int = 0) -> None:
    """Fold the events as one chunk of a partition."""
    async with connection.transaction():
        await share(connection)
        counting = CountingStore(PostgresStore(connection))
        ids = [id_of(one.tenant, one.contact.key) if one.contact else NO_CONTACT for one in events]
        await project(counting, PROJECTIONS, [ContactEvent(*both) for both in zip(ids, events, strict=True)])
        await save_changes(connection, counting.changes(lambda _: partition))


def follow(number: int, at: int = 1) -> Event:
    return event("contact.followed", at, contact=f"line:oa1:U{number}", event_id=f"follow-{number}@{at}")


def block(number: int, at: int) -> Event:
    return event("contact.blocked", at, contact=f"line:oa1:U{number}", event_id=f"block-{number}@{at}")


async def look(connection: Connection) -> int:
    async with connection.transaction():
        return await announce_crossings(connection, "demo", BASE_MS)


async def announced(connection: Connection) -> list[QuotaCrossed]:
    async with connection.transaction():
        found = [crossing_in(row.payload.encode()) async for row in stored_changes(connection)]
    return [one for one in found if one is not None]


def summary(crossings: Sequence[QuotaCrossed]) -> list[tuple[int, int, str, int, int]]:
    return [(one.seq, one.threshold, one.direction, one.used, one.limit) for one in crossings]


async def test_each_crossing_is_announced_once_up_and_down_and_for_a_new_limit(connection: Connection) -> None:
    assert await look(connection) == 0  # without a limit
    await fold(connection, quota(10), *map(follow, range(7)))
    assert await look(connection) == 0
    await fold(connection, follow(7))
    assert [await look(connection) for _ in range(2)] == [1, 0]
    await fold(connection, block(0, 5))
    assert await look(connection) == 1
    await fold(connection, follow(0, 9), follow(8), follow(9))
    assert await look(connection) == 3
    await fold(connection, quota(12, at=7))
    assert [await look(connection) for _ in range(2)] == [2, 0]
    assert summary(await announced(connection)) == [
        (1, 80, "up", 8, 10),
        (2, 80, "down", 7, 10),
        (3, 80, "up", 10, 10),
        (4, 90, "up", 10, 10),
        (5, 100, "up", 10, 10),
        (6, 100, "down", 10, 12),
        (7, 90, "down", 10, 12),
    ]


async def test_looks_beside_writers_announce_a_whole_history_that_another_generation_goes_on_with(
    connection: Connection, database: str
) -> None:
    await fold(connection, quota(20))
    writing = asyncio.Event()

    async def write(partition: int) -> None:
        own = await connected(database, "g1")
        for number in range(partition, 60, 3):
            await fold(own, follow(number), partition=partition)
            if number % 2:
                await fold(own, block(number, 5), partition=partition)
        await own.close()

    async def watch() -> None:
        own = await connected(database, "g1")
        while not writing.is_set():
            await look(own)
        await own.close()

    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(watch()) for _ in range(2)]
        async with asyncio.TaskGroup() as writers:
            for partition in range(3):
                writers.create_task(write(partition))
        writing.set()
        await asyncio.gather(*watching)
    await look(connection)
    found = await announced(connection)
    history: Crossings = {}
    add_crossings(history, found)
    assert compare_crossings(history, {"demo": 100}).difference is None
    assert await announced_levels(connection) == {"demo": 100}
    assert {one.threshold for one in found if one.direction == "up"} == {80, 90, 100}

    # Another generation, which has folded the same, becomes the active one.
    await connection.execute("UPDATE onefold.generations SET name = 'former', state = 'standby' WHERE name = 'g1'")
    assert await look(connection) == 0
    await fold(connection, *(block(number, 9) for number in range(0, 60, 2)))
    assert await look(connection) == 0  # what is folded here is for the active one to announce
    await connection.execute("UPDATE onefold.generations SET name = 'g1', state = 'active' WHERE name = 'former'")
    watcher = QuotaThresholds()
    await watcher.look(connection)
    await watcher.look(connection)
    await QuotaThresholds().look(connection)
    more = (await announced(connection))[len(found) :]
    assert [(one.threshold, one.direction) for one in more] == [(100, "down"), (90, "down"), (80, "down")]


async def test_a_watcher_looks_at_what_was_noted_and_at_new_limits(connection: Connection) -> None:
    watcher = QuotaThresholds()
    await fold(connection, quota(10), *map(follow, range(5)))
    await watcher.look(connection)
    await fold(connection, *map(follow, range(5, 9)))
    watcher.note(["demo", "without-a-limit"])
    await watcher.look(connection)
    assert await announced_levels(connection) == {"demo": 90}
    await fold(connection, quota(100, at=1))
    await watcher.look(connection)
    assert await announced_levels(connection) == {"demo": 0}
