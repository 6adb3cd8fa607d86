"""A log, a database and workers as real processes, to be broken by tests.

What a test does to them is its own business; in the end `settle` and `verify_holds` say whether the rows are exactly
what the pure fold of the same log gives, and whether every record was counted once.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from projections.engine.generations import active_generation, ensure_generation
from projections.identity.tables import ChangeRow
from projections.registry import TABLES
from schemas.changes import decode_change
from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, CUSTOMER_CHANGES, DEAD_LETTERS, IDENTITY_EVIDENCE, event_key
from services.embedded.ports import free_port
from services.embedded.service_processes import environment
from services.runtime.broker import ensure_topics, log_ends
from services.runtime.settings import Settings
from services.verify.main import verify
from services.verify.verdict import Verdict
from tests.support.workload import workload

_ROOT: Final = Path(__file__).parents[3]

Record = tuple[bytes | None, bytes | None]  # key, value


class Nursery:
    """Starts workers that need not import anything first; `nursery.py` says how."""

    def __init__(self) -> None:
        command = (sys.executable, "-m", "tests.support.nursery")
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, settings: Settings, log: Path) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"env": environment(settings), "log": str(log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=10)


class Worker:
    """`onefold worker` as a process of its own."""

    def __init__(self, settings: Settings, log: Path, nursery: Nursery) -> None:
        self.settings = settings.model_copy(update={"worker_port": free_port()})
        self.log = log
        self._status = Path(f"{log}.status")
        self.pid = nursery.start(self.settings, log)

    @property
    def running(self) -> bool:
        return not (self._status.exists() and self._status.read_text())

    def kill(self) -> None:
        """As the kernel does it when memory runs out."""
        os.kill(self.pid, signal.SIGKILL)
        while self.running:
            time.sleep(0.01)

    def hold(self) -> None:
        """Stop it where it is; it does not notice."""
        os.kill(self.pid, signal.SIGSTOP)

    def release(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """SIGTERM; its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended(30)

    async def ended(self, within: float) -> int:
        """The exit status; 128 + n by signal n."""
        await until(lambda: asyncio.sleep(0, not self.running), within, lambda: f"the worker goes on:\n{self.said}")
        return int(self._status.read_text())

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]

    async def get(self, path: str) -> httpx.Response:
        """Raises httpx.TransportError while it does not listen."""
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.settings.worker_port}{path}", timeout=5)

    async def metric(self, name: str) -> float:
        """A counter's or gauge's value; 0 while the worker does not answer."""
        with contextlib.suppress(httpx.TransportError):
            for line in (await self.get("/metrics")).text.splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        return 0.0


@dataclass
class World:
    """One log and one database, and the workers between them."""

    settings: Settings
    home: Path
    nursery: Nursery
    workers: list[Worker] = field(default_factory=list)

    async def prepare(self) -> Self:
        """The topics and the first generation."""
        async with self.connection() as connection:
            await ensure_generation(connection, TABLES)
        await ensure_topics(self.settings)
        return self

    @contextlib.asynccontextmanager
    async def connection(self) -> Any:
        """A connection that sees the active generation, if there is one."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            with contextlib.suppress(LookupError):
                await connection.execute(f"SET search_path TO {await active_generation(connection)}")
            yield connection
        finally:
            await connection.close()

    @property
    def topic(self) -> str:
        return CHANNEL_EVENTS.full_name(self.settings.topic_prefix)

    def start_worker(self, **changes: Any) -> Worker:
        settings = self.settings.model_copy(update=changes)
        worker = Worker(settings, self.home / f"worker-{len(self.workers)}.log", self.nursery)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        for worker in self.workers:
            if worker.running:
                worker.release()
                worker.kill()

    async def happens(self, *events: Event) -> None:
        """Append events to the log."""
        await self.produce(map(record_of, events))

    async def produce(self, records: Iterable[Record], partition: int | None = None) -> None:
        """Append to the log; returns once all is acknowledged, however long Kafka is away."""
        async with producer(self.settings) as sender:
            sent = [await sender.send(self.topic, value, key, partition=partition) for key, value in records]
            await asyncio.gather(*sent)

    async def offsets(self, topic: str = "") -> dict[int, Any]:
        async with self.connection() as connection:
            rows = await connection.fetch("SELECT * FROM offsets WHERE topic = $1", topic or self.topic)
        return {row["partition"]: row for row in rows}

    async def folded(self) -> int:
        """How many records of the log have been dealt with."""
        return sum(row["next_offset"] for row in (await self.offsets()).values())

    async def settle(self, within: float = 60, *, apart_from: Iterable[int] = ()) -> None:
        """Wait until the log is folded to its end, what it says of identity too, and all changes are told."""
        await self._folded_to_its_end(self.topic, within, set(apart_from))
        evidence = IDENTITY_EVIDENCE.full_name(self.settings.topic_prefix)
        await self._folded_to_its_end(evidence, within, set())
        await until(self._all_told, within, lambda: f"changes were not told in time\n{self.said}")

    async def _folded_to_its_end(self, topic: str, within: float, skipped: set[int]) -> None:
        ends = await log_ends(self.settings.kafka_servers, topic)

        async def done() -> bool:
            reached = {number: row["next_offset"] for number, row in (await self.offsets(topic)).items()}
            return all(reached.get(number, 0) >= end for number, end in ends.items() if number not in skipped)

        await until(done, within, lambda: f"{topic} was not folded in time\n{self.said}")

    async def _all_told(self) -> bool:
        async with self.connection() as connection:
            return not await connection.fetchval("SELECT count(*) FROM changes")

    async def verify_holds(self) -> Verdict:
        """Exactly the rows of the pure fold, and every record counted once."""
        verdict = await verify(self.settings)
        assert verdict.holds, f"{verdict}\n{self.said}"
        return verdict

    async def changes(self) -> list[ChangeRow]:
        """All changes that were told, a customer's in their order."""
        topic = CUSTOMER_CHANGES.full_name(self.settings.topic_prefix)
        records = await read_all(self.settings.kafka_servers, topic)
        told = [(decode_change(record.value), record) for record in records]
        return [ChangeRow(one.tenant, one.customer_id, one.seq, record.value.decode()) for one, record in told]

    async def membership(self) -> dict[UUID, list[str]]:
        """The contacts of each customer, as the tables have them."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                "SELECT customer_id, array_agg(contact ORDER BY contact) AS contacts FROM members GROUP BY 1"
            )
        return {row["customer_id"]: row["contacts"] for row in rows}

    async def dead_letters(self) -> list[Any]:
        """All that is on the dead-letter topic."""
        return await read_all(self.settings.kafka_servers, DEAD_LETTERS.full_name(self.settings.topic_prefix))

    @property
    def said(self) -> str:
        return "\n".join(f"--- {worker.log.name}\n{worker.said}" for worker in self.workers[-2:])


def record_of(event: Event) -> Record:
    """The event as ingress writes it."""
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
async def log_grows(world: World, seed: int, batch: int = 400) -> AsyncIterator[None]:
    """The log grows, almost without a pause, meanwhile."""
    stop = asyncio.Event()

    async def grow() -> None:
        records = workload(1_000_000, 500, seed)
        async with producer(world.settings) as sender:
            while not stop.is_set():
                some = itertools.islice(records, batch)
                await asyncio.gather(*[await sender.send(world.topic, value, key) for key, value in some])
                await asyncio.sleep(0.05)

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


async def until(
    condition: Callable[[], Awaitable[bool]], within: float, otherwise: str | Callable[[], str], every: float = 0.1
) -> None:
    """Ask again and again until it holds. A server that is away counts as a no."""
    deadline = time.monotonic() + within
    while True:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.TransportError):
            if await condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        await asyncio.sleep(every)
