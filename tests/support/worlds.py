"""A log, a database and workers as real processes, for tests that break them.

Afterwards `settle` and `verify_holds` check that the rows are exactly those of the pure fold of the same log, and that
every record was counted once.
"""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from projections.engine.generations import active_generation, ensure_generation
from projections.identity.outbox import OutboxRow
from projections.registry import SCHEMA
from schemas.changes import decode_change
from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, DEAD_LETTERS, IDENTITY_EVIDENCE, Topic, event_key
from services.runtime.broker import ensure_topics, log_ends
from services.runtime.settings import Settings
from services.verify.main import verify
from services.verify.verdict import VerifyResult
from tests.support.polling import until
from tests.support.worker_processes import ForkServer, WorkerProcess
from tests.support.workload import workload

Record = tuple[bytes | None, bytes | None]  # key, value
_FAST_BATCHES = 100


@dataclass
class World:
    """One log and one database, and the workers between them."""

    settings: Settings
    home: Path
    fork_server: ForkServer
    workers: list[WorkerProcess] = field(default_factory=list)

    async def prepare(self) -> Self:
        """Create the topics and the first generation."""
        async with self.connection() as connection:
            await ensure_generation(connection, SCHEMA)
        await ensure_topics(self.settings)
        return self

    async def configure_log(self, name: str, value: str) -> None:
        """Change a setting of the log's topic, and wait until the broker has it: it applies it a moment later."""
        resource = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_servers)
        await admin.start()

        async def applied() -> bool:
            (answer,) = await admin.describe_configs([resource])
            return any((one[0], one[1]) == (name, value) for one in answer.resources[0][4])

        try:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic, {name: value})])
            await until(applied, 240, f"{name} of the topic is not changed")
        finally:
            await admin.close()

    @contextlib.asynccontextmanager
    async def connection(self) -> Any:
        """A connection whose search path is the active generation, if there is one."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            with contextlib.suppress(LookupError):
                await connection.execute(f"SET search_path TO {(await active_generation(connection, SCHEMA)).name}")
            yield connection
        finally:
            await connection.close()

    @property
    def topic(self) -> str:
        return CHANNEL_EVENTS.full_name(self.settings.topic_prefix)

    def partition_folders(self) -> list[Path]:
        """The folders of its partitions, on the session's broker. Others' topics come and go meanwhile."""
        servers = Path(os.environ["ONEFOLD_TEST_SERVERS"], "shared")
        folders = [Path(place, one) for place, within, _ in os.walk(servers) for one in within]
        found = [one for one in folders if one.name.startswith(f"{self.settings.topic_prefix}.")]
        assert found
        return found

    async def name_of(self, topic: Topic) -> str:
        """The name of the active generation's topic."""
        async with self.connection() as connection:
            generation = await active_generation(connection, SCHEMA)
        return generation.topic_name(topic, self.settings.topic_prefix)

    def start_worker(self, **changes: Any) -> WorkerProcess:
        settings = self.settings.model_copy(update=changes)
        worker = WorkerProcess(settings, self.home / f"worker-{len(self.workers)}.log", self.fork_server)
        self.workers.append(worker)
        return worker

    async def command(self, *arguments: str, within: float = 300) -> tuple[int, str]:
        """Run a command of `onefold` to its end; its exit status, and what it printed in one line of words."""
        log = self.home / f"command-{len(self.workers)}.log"
        process = WorkerProcess(self.settings, log, self.fork_server, arguments)
        self.workers.append(process)
        status = await process.ended(within)
        return status, " ".join(log.read_text(encoding="utf-8").split())

    def end(self) -> None:
        for worker in self.workers:
            if worker.running:
                worker.resume()
                worker.kill()

    async def append(self, *events: Event) -> None:
        """Append events to the log."""
        await self.produce(map(record_of, events))

    async def produce(self, records: Iterable[Record], partition: int | None = None) -> None:
        """Append records to the log; returns once all are acknowledged, however long Kafka is unavailable."""
        async with producer(self.settings) as sender:
            sent = [await sender.send(self.topic, value, key, partition=partition) for key, value in records]
            await asyncio.gather(*sent)

    async def offsets(self, topic: str = "") -> dict[int, Any]:
        async with self.connection() as connection:
            rows = await connection.fetch("SELECT * FROM offsets WHERE topic = $1", topic or self.topic)
        return {row["partition"]: row for row in rows}

    async def folded(self) -> int:
        """How many records of the log have been folded."""
        return sum(row["next_offset"] for row in (await self.offsets()).values())

    async def settle(self, within: float = 240, *, apart_from: Iterable[int] = ()) -> None:
        """Wait until log and evidence are folded to their ends and the outbox is empty."""
        await self._folded_to_its_end(self.topic, within, set(apart_from))
        await self._folded_to_its_end(await self.name_of(IDENTITY_EVIDENCE), within, set())
        await until(self._outbox_is_empty, within, lambda: f"the outbox was not emptied in time\n{self.output}")

    async def _folded_to_its_end(self, topic: str, within: float, skipped: set[int]) -> None:
        ends = await log_ends(self.settings.kafka_servers, topic)

        async def done() -> bool:
            reached = {number: row["next_offset"] for number, row in (await self.offsets(topic)).items()}
            return all(reached.get(number, 0) >= end for number, end in ends.items() if number not in skipped)

        await until(done, within, lambda: f"{topic} was not folded in time\n{self.output}")

    async def _outbox_is_empty(self) -> bool:
        async with self.connection() as connection:
            return not await connection.fetchval("SELECT count(*) FROM onefold.outbox")

    async def verify_holds(self) -> VerifyResult:
        """Check that the rows are exactly those of the pure fold, and that every record was counted once."""
        verdict = await verify(self.settings)
        assert verdict.holds, f"{verdict}\n{self.output}"
        return verdict

    async def changes(self) -> list[OutboxRow]:
        """All records of the customer-changes topic; those of one customer are in their order."""
        records = await read_all(self.settings.kafka_servers, await self.name_of(CUSTOMER_CHANGES))
        changes = [(decode_change(record.value), record) for record in records]
        return [
            OutboxRow(one.tenant, one.customer_id, one.seq, one.part, record.value.decode()) for one, record in changes
        ]

    async def membership(self) -> dict[UUID, list[str]]:
        """The contacts of each customer in the tables."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                "SELECT customer_id, array_agg(contact ORDER BY contact) AS contacts FROM members "
                "WHERE current GROUP BY 1"
            )
        return {row["customer_id"]: row["contacts"] for row in rows}

    async def dead_letters(self) -> list[Any]:
        """All records of the dead-letter topic."""
        return await read_all(self.settings.kafka_servers, DEAD_LETTERS.full_name(self.settings.topic_prefix))

    @property
    def output(self) -> str:
        """The ends of the last two workers' logs."""
        return "\n".join(f"--- {worker.log.name}\n{worker.output}" for worker in self.workers[-2:])


def record_of(event: Event) -> Record:
    """The record that ingress writes for the event."""
    return event_key(event.tenant, event.contact.key if event.contact else None), encode(event)


def settings_for(kafka: str, database: str, prefix: str, home: Path, **others: Any) -> Settings:
    given = {"session_timeout": 2.0, "partitions": 4, "chunk_records": 500, **others}
    return Settings(
        kafka=kafka,
        database=database,
        topic_prefix=prefix,
        secret_key=SecretStr("a master key"),
        data_dir=home,
        **given,
    )


@contextlib.asynccontextmanager
async def producer(settings: Settings) -> Any:
    sender = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers, acks="all", max_request_size=5_000_000, request_timeout_ms=120_000
    )
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


@contextlib.asynccontextmanager
async def log_grows(world: World, seed: int, batch: int = 100) -> AsyncIterator[None]:
    """The log grows almost without a pause while the block runs; after a hundred batches slowly.

    So what is left to fold in the end is bounded, however long the block waits on a slow machine.
    """
    stop = asyncio.Event()

    async def grow() -> None:
        records = workload(200_000, 500, seed)
        async with producer(world.settings) as sender:
            for number in itertools.count():
                if stop.is_set():
                    break
                some = itertools.islice(records, batch if number < _FAST_BATCHES else 10)
                await asyncio.gather(*[await sender.send(world.topic, value, key) for key, value in some])
                await asyncio.sleep(0.05 if number < _FAST_BATCHES else 0.2)

    task = asyncio.create_task(grow())
    try:
        yield
    finally:
        stop.set()
        await task


async def read_all(kafka: str, topic: str) -> list[Any]:
    ends = await log_ends(kafka, topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in ends]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[Any] = []
        while sum(ends.values()) > len(found):
            found += [one for some in (await consumer.getmany(timeout_ms=500)).values() for one in some]
        return found
    finally:
        await consumer.stop()
