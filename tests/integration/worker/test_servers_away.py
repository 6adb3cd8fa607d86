"""Kafka and PostgreSQL stop and start again while the worker folds: it continues by itself, and the rows are right."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.support.polling import until
from tests.support.rounds import rounds
from tests.support.servers import OwnKafka, OwnPostgres
from tests.support.worker_processes import ForkServer, WorkerProcess
from tests.support.workload import workload
from tests.support.worlds import World, log_grows, settings_for

pytestmark = pytest.mark.kafka


@pytest.fixture
async def on_own_kafka(
    own_kafka: OwnKafka, database: str, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> AsyncIterator[World]:
    made = World(settings_for(own_kafka.bootstrap, database, topic_prefix, tmp_path), tmp_path, fork_server)
    yield await made.prepare()
    made.end()


@pytest.fixture
async def on_own_postgres(
    own_postgres: OwnPostgres, kafka: str, topic_prefix: str, tmp_path: Path, fork_server: ForkServer
) -> AsyncIterator[World]:
    made = World(settings_for(kafka, own_postgres.url, topic_prefix, tmp_path), tmp_path, fork_server)
    yield await made.prepare()
    made.end()


@pytest.mark.long
async def test_a_worker_waits_for_kafka_and_goes_on_whenever_it_comes_back(
    on_own_kafka: World, own_kafka: OwnKafka
) -> None:
    world = on_own_kafka
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 500))
    await own_kafka.stop()
    worker = await _waits_while_another_is_stopped(world)
    await own_kafka.start()
    async with log_grows(world, seed=2):
        await moves(world)
        await own_kafka.stop()
        await asyncio.sleep(1)
        await own_kafka.start()
        await moves(world)
        await own_kafka.kill()
        await own_kafka.start()
        await moves(world)
    await world.settle()
    await world.verify_holds()
    assert worker.running, worker.output
    await own_kafka.stop()
    assert await worker.stop() == 0


async def test_a_log_that_lost_records_ends_the_worker(world: World) -> None:
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 1000))
    worker = world.start_worker()
    await world.settle()
    await worker.stop()
    async with world.connection() as connection:  # as if Kafka had lost the last 50 records of a partition
        await connection.execute("UPDATE offsets SET next_offset = next_offset + 50 WHERE partition = 1")
    again = world.start_worker()
    assert await again.ended(240) == 65
    assert again.has_logged("LogTruncated")
    assert again.has_logged("is folded up to")


@pytest.mark.long
@pytest.mark.repeated
async def test_a_worker_waits_for_postgresql_and_goes_on_whenever_it_comes_back(
    on_own_postgres: World, own_postgres: OwnPostgres
) -> None:
    world = on_own_postgres
    await world.produce(itertools.islice(workload(2000, 100, seed=3), 500))
    await own_postgres.stop()
    worker = await _waits_while_another_is_stopped(world)
    await own_postgres.start()
    async with log_grows(world, seed=8):
        for end in (own_postgres.stop, own_postgres.kill) * rounds(1):
            await moves(world)
            await end()
            await asyncio.sleep(1)
            await own_postgres.start()
        await moves(world)
    await world.settle()
    await world.verify_holds()
    assert worker.running, worker.output
    reported = worker.times_logged("server_away")
    await own_postgres.stop()
    await world.produce(itertools.islice(workload(2000, 100, seed=4), 500))
    await until(partial(says, worker, "server_away", reported + 3), 240, lambda: worker.output)
    assert await worker.stop() == 0  # also one that waits while it saves a chunk


async def _waits_while_another_is_stopped(world: World) -> WorkerProcess:
    """Start two workers without a server; one is stopped while it starts and waits, the other is returned."""
    worker, stopped = world.start_worker(), world.start_worker()
    for one in (worker, stopped):
        await until(partial(says, one, "server_away"), 240, lambda: world.output)
    assert await stopped.stop() == 0
    return worker


@pytest.mark.repeated
async def test_connections_that_the_server_closes_are_opened_again(world: World) -> None:
    world.start_worker()
    async with log_grows(world, seed=9):
        for _ in range(rounds(2)):
            await moves(world)
            await _close_connections(world)
        await moves(world)
    await world.settle()
    await world.verify_holds()


async def _close_connections(world: World) -> None:
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

    await until(more, 240, lambda: f"nothing moves\n{world.output}", every=0.05)


async def says(worker: WorkerProcess, word: str, times: int = 1) -> bool:
    return worker.has_logged(word, times)
