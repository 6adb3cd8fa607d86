"""Kafka and PostgreSQL go away and come back while the worker folds; it goes on by itself, and the rows are right."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.support.servers import OwnKafka, OwnPostgres
from tests.support.workload import workload
from tests.support.worlds import Nursery, Worker, World, log_grows, settings_for, until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture
async def on_own_kafka(
    own_kafka: OwnKafka, database: str, topic_prefix: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[World]:
    made = World(settings_for(own_kafka.bootstrap, database, topic_prefix, tmp_path), tmp_path, nursery)
    yield await made.prepare()
    made.end()


@pytest.fixture
async def on_own_postgres(
    own_postgres: OwnPostgres, kafka: str, topic_prefix: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[World]:
    made = World(settings_for(kafka, own_postgres.url, topic_prefix, tmp_path), tmp_path, nursery)
    yield await made.prepare()
    made.end()


async def test_kafka_is_restarted_and_killed_while_the_log_grows(on_own_kafka: World, own_kafka: OwnKafka) -> None:
    world = on_own_kafka
    worker = world.start_worker()
    async with log_grows(world, seed=2):
        await moves(world)
        await own_kafka.stop()
        await asyncio.sleep(2)
        await own_kafka.start()
        await moves(world)
        await own_kafka.kill()
        await own_kafka.start()
        await moves(world)
    await world.settle()
    await world.verify_holds()
    assert worker.running, worker.said


async def test_a_log_that_lost_its_records_ends_the_worker(on_own_kafka: World) -> None:
    world = on_own_kafka
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 1000))
    worker = world.start_worker()
    await world.settle()
    await worker.stop()
    async with world.connection() as connection:  # the same as if Kafka had lost the last 50 of a partition
        await connection.execute("UPDATE offsets SET next_offset = next_offset + 50 WHERE partition = 1")
    again = world.start_worker()
    assert await again.ended(60) == 65
    assert "LogTruncated" in again.said
    assert "is folded up to" in again.said


@pytest.mark.parametrize("hard", [False, True], ids=["restarted", "killed"])
async def test_postgresql_goes_away_while_the_worker_folds(
    on_own_postgres: World, own_postgres: OwnPostgres, *, hard: bool
) -> None:
    world = on_own_postgres
    worker = world.start_worker()
    async with log_grows(world, seed=8):
        for _ in range(2 if hard else 1):
            await moves(world)
            await (own_postgres.kill() if hard else own_postgres.stop())
            await asyncio.sleep(1)
            await own_postgres.start()
        await moves(world)
    await world.settle()
    await world.verify_holds()
    assert worker.running, worker.said


async def test_a_worker_waits_for_its_servers_and_then_works(on_own_postgres: World, own_postgres: OwnPostgres) -> None:
    world = on_own_postgres
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 500))
    await own_postgres.stop()
    worker, told = world.start_worker(), world.start_worker()
    await until(partial(says, worker, "server_away"), 30, lambda: worker.said)
    await until(partial(says, told, "server_away"), 30, lambda: told.said)
    assert await told.stop() == 0  # nothing keeps one that waits from ending
    await own_postgres.start()
    await world.settle()
    await world.verify_holds()
    await own_postgres.stop()
    await world.produce(itertools.islice(workload(2000, 100, seed=4), 500))
    await until(partial(says_times, worker, 4), 30, lambda: worker.said)
    assert await worker.stop() == 0  # nor one that has a chunk in its hands
    await own_postgres.start()


async def test_a_worker_waits_for_kafka(own_kafka: OwnKafka, on_own_kafka: World) -> None:
    world = on_own_kafka
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 500))
    await own_kafka.stop()
    worker, told = world.start_worker(), world.start_worker()
    await until(partial(says, worker, "server_away"), 30, lambda: worker.said)
    await until(partial(says, told, "server_away"), 30, lambda: told.said)  # one that only starts can be ended anyhow
    assert await told.stop() == 0
    await own_kafka.start()
    await world.settle()
    await world.verify_holds()
    await own_kafka.stop()
    assert await worker.stop() == 0


async def test_connections_that_the_server_cuts_are_made_anew(world: World) -> None:
    world.start_worker()
    async with log_grows(world, seed=9):
        for _ in range(8):
            await moves(world)
            await _cut(world)
    await world.settle()
    await world.verify_holds()


async def _cut(world: World) -> None:
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'onefold-worker' AND datname = current_database()"
        )
    finally:
        await connection.close()


async def moves(world: World) -> None:
    """Wait until something is folded from now on."""
    before: list[int] = []

    async def more() -> bool:
        folded = await world.folded()
        before.append(folded)
        return folded > before[0]

    await until(more, 60, lambda: f"nothing moves\n{world.said}", every=0.05)


async def says(worker: Worker, word: str) -> bool:
    return word in worker.said


async def says_times(worker: Worker, times: int) -> bool:
    return worker.said.count("server_away") >= times
