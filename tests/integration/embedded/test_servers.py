"""The servers that every other integration test stands on."""

import asyncio
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.embedded.postgres import Postgres
from services.embedded.process import Lease
from tests.support.servers import OwnKafka, OwnPostgres


async def _make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _produce(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send(topic, value) for value in values])
    finally:
        await producer.stop()


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 240)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_the_shared_broker_gives_back_what_it_was_given(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.things"
    await _make_topic(kafka, topic)
    await _produce(kafka, topic, b"one", b"two")
    assert await _read(kafka, topic, 2) == [b"one", b"two"]


async def test_a_database_is_the_tests_own(database: str, kafka: str) -> None:
    assert kafka
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("CREATE TABLE mine (n int)")
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT 'a' < 'B'") is False, "text is ordered by code point"
    finally:
        await connection.close()


async def test_the_next_database_has_nothing_of_the_last(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT to_regclass('mine')") is None
    finally:
        await connection.close()


@pytest.mark.kafka
async def test_kafka_keeps_its_records_when_it_is_stopped_and_when_it_is_killed(own_kafka: OwnKafka) -> None:
    await _make_topic(own_kafka.bootstrap, "kept")
    await _produce(own_kafka.bootstrap, "kept", b"before the stop")
    await own_kafka.stop()
    await own_kafka.start()
    await _produce(own_kafka.bootstrap, "kept", b"before the crash")
    await own_kafka.kill()
    await own_kafka.start()
    assert await _read(own_kafka.bootstrap, "kept", 2) == [b"before the stop", b"before the crash"]


async def test_postgres_keeps_its_rows_when_it_is_stopped_and_when_it_is_killed(own_postgres: OwnPostgres) -> None:
    await _run(own_postgres.url, "CREATE TABLE kept (word text)")
    for end in (own_postgres.stop, own_postgres.kill):
        await _run(own_postgres.url, f"INSERT INTO kept VALUES ('{end.__name__}')")
        await end()
        await own_postgres.start()
    connection = await asyncpg.connect(own_postgres.url)
    try:
        rows = await connection.fetch("SELECT word FROM kept ORDER BY word")
        assert [row["word"] for row in rows] == ["kill", "stop"]
    finally:
        await connection.close()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
def test_under_a_folder_that_is_closed_to_postgres_the_data_are_a_link(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Lease(closed / "run") as lease, ThreadPoolExecutor(1) as aside:
        server = Postgres(closed / "postgres", closed / "postgres.log", lease, durable=False)
        try:
            aside.submit(server.start).result()
            assert (closed / "postgres").is_symlink()
            assert closed.stat().st_mode & 0o777 == 0o700, "the folder is not opened for a database"
        finally:
            server.stop()
            shutil.rmtree((closed / "postgres").resolve())
