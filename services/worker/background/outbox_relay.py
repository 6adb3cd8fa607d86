"""Changes out of the outbox into Kafka, each once and a customer's in their order.

One relay works at a time, by an advisory lock on a connection of its own, and the lock lasts as long as the connection:
when a relay stops, or dies, or is not heard of, the next one has it. It sends a batch, waits until all of it is
acknowledged, and then, in one transaction, removes it and notes where the topic's partitions end. Whatever is found in
the topic after that note, when a relay starts or a batch has failed, was sent and not noted: it is removed unsent.

A batch has one change of a customer at most, so a batch that fails in parts can't turn a customer's changes round.

What remains: a relay that lost its lock while Kafka took its last batch, or a broker that repeats what a producer
sent again, can still put a change on the topic twice. So ``(customer_id, seq)`` is a change's identity, and whoever
listens drops what doesn't follow on what he has.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from projections.engine.store import columns
from schemas.changes import change_in, change_key
from services.runtime import metrics
from services.runtime.database import is_transient
from services.worker.agent_spec import Connect

log = structlog.get_logger(__name__)
T = TypeVar("T")

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('onefold.changes'), hashtext(current_schema()))"
_UNSENT: Final = "SELECT id, tenant, customer_id, seq, payload FROM changes ORDER BY id LIMIT $1"
_SENT: Final = """
DELETE FROM changes c USING unnest($1::text[], $2::uuid[], $3::bigint[]) AS k(tenant, customer_id, seq)
WHERE c.tenant = k.tenant AND c.customer_id = k.customer_id AND c.seq = k.seq
"""
_NOTED: Final = "SELECT partition, next_offset FROM relayed WHERE topic = $1"
_NOTE: Final = """
INSERT INTO relayed AS r (topic, partition, next_offset) SELECT $1, * FROM unnest($2::int[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = greatest(r.next_offset, excluded.next_offset)
"""
_WAITING: Final = "SELECT count(*) FROM (SELECT FROM changes LIMIT 100000) c"
_BATCH: Final = 1000
_READ_WITHIN: Final = 1000  # ms
_FETCH_WITHIN: Final = 10  # ms; what is wanted is there
_COUNT_EVERY: Final = 5.0


class Unsent(NamedTuple):
    """A row of the outbox."""

    id: int
    tenant: str
    customer_id: UUID
    seq: int
    payload: str


Told = tuple[str, UUID, int]  # (tenant, customer_id, seq)


class Relay:
    """A BackgroundService: empties the outbox of one generation. It looks for new changes each ``every`` seconds."""

    def __init__(self, connect: Connect, producer: AIOKafkaProducer, topic: str, kafka: str, *, every: float) -> None:
        self._connect = connect
        self._producer = producer
        self._topic = topic
        self._kafka = kafka
        self._every = every
        self._news = asyncio.Event()
        self._interrupted = ""
        self._counted_at = 0.0

    def wake(self) -> None:
        """Changes may have been told: look at once."""
        self._news.set()

    async def run(self) -> None:
        """Relay for as long as the task lives; an outage makes it begin anew."""
        while True:
            try:
                async with self._connect() as connection:
                    await self._relay_alone(connection)
            except KafkaError as error:
                self._note_interruption("kafka", error)
            except Exception as error:
                if not is_transient(error):
                    raise
                self._note_interruption("postgresql", error)
            await asyncio.sleep(self._every)

    def _note_interruption(self, server: str, error: Exception) -> None:
        if self._interrupted != server:
            log.warning("relay_interrupted", server=server, error=type(error).__name__)
        self._interrupted = server

    async def _relay_alone(self, connection: Any) -> None:
        """Wait for the lock, and relay for as long as the connection holds it."""
        await self._count(connection)
        while not await connection.fetchval(_LOCK):
            await asyncio.sleep(self._every)
            await self._count(connection)
        await self._recover(connection)
        log.info("relay_began")
        self._interrupted = ""
        while True:
            self._news.clear()
            sent = await self.relay(connection)
            await self._count(connection)
            if not sent:
                await self._pause()

    async def _count(self, connection: Any) -> None:
        """Keep the metric; every worker does, for nobody may be relaying."""
        if (now := time.monotonic()) > self._counted_at + _COUNT_EVERY:
            self._counted_at = now
            metrics.CHANGES_WAITING.set(await connection.fetchval(_WAITING))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._news.wait()
        except TimeoutError:
            return

    async def relay(self, connection: Any) -> int:
        """Send a batch; how many changes it had. Call it under the lock, after recovering."""
        batch = _one_a_customer([Unsent(*row) for row in await connection.fetch(_UNSENT, _BATCH)])
        if not batch:
            return 0
        sent = [await self._send(one) for one in batch]
        # All must have come to an end, well or not, before anybody looks what the topic has.
        outcomes = await self._heard_of(connection, asyncio.gather(*sent, return_exceptions=True))
        ends: dict[int, int] = {}
        for place in outcomes:
            if isinstance(place, BaseException):
                raise place
            ends[place.partition] = max(place.offset + 1, ends.get(place.partition, 0))
        await self._note(connection, [(one.tenant, one.customer_id, one.seq) for one in batch], ends)
        metrics.CHANGES_RELAYED.inc(len(batch))
        return len(batch)

    async def _heard_of(self, connection: Any, work: Awaitable[T]) -> T:
        """What the work gives. Meanwhile the server hears of us: it gives the lock of who is silent to another."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self._every)
                await connection.execute("SELECT 1")
            return task.result()
        finally:
            task.cancel()

    async def _send(self, one: Unsent) -> asyncio.Future[Any]:
        value, key = one.payload.encode(), change_key(one.tenant, one.customer_id)
        future: asyncio.Future[Any] = await self._producer.send(self._topic, value=value, key=key)
        return future

    async def _note(self, connection: Any, told: Iterable[Told], ends: dict[int, int]) -> None:
        async with connection.transaction():
            if rows := list(told):
                await connection.execute(_SENT, *columns(rows))
            await connection.execute(_NOTE, self._topic, list(ends), list(ends.values()))

    async def _recover(self, connection: Any) -> None:
        """Take out of the outbox what the topic has, though nobody came to note it; the first time, note its ends."""
        await self._heard_of(connection, self._producer.flush())  # a batch that was given up may be on its way still
        noted = {row["partition"]: row["next_offset"] for row in await connection.fetch(_NOTED, self._topic)}
        async with _reader(self._kafka, self._topic) as consumer:
            partitions = [TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()]
            ends = await consumer.end_offsets(partitions)
            starts = {place: noted.get(place.partition, end) for place, end in ends.items()}
            told = await _read(consumer, starts, ends)
        await self._note(connection, told, {place.partition: end for place, end in ends.items()})
        if told:
            log.info("relay_recovered", changes=len(told))


@asynccontextmanager
async def _reader(kafka: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, enable_auto_commit=False, group_id=None, fetch_max_wait_ms=_FETCH_WITHIN
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> list[Told]:
    told: list[Told] = []
    behind = [place for place, start in starts.items() if start < ends[place]]
    for place in behind:
        consumer.seek(place, starts[place])
    while behind:
        for records in (await consumer.getmany(*behind, timeout_ms=_READ_WITHIN)).values():
            changes = (change_in(record.value) for record in records)
            told += [(one.tenant, one.customer_id, one.seq) for one in changes if one is not None]
        behind = [place for place in behind if await consumer.position(place) < ends[place]]
    return told


def _one_a_customer(rows: Iterable[Unsent]) -> list[Unsent]:
    """The first change of each customer; those after it go in the next batch."""
    batch: dict[tuple[str, UUID], Unsent] = {}
    for row in rows:
        batch.setdefault((row.tenant, row.customer_id), row)
    return list(batch.values())
