"""Outbox relay: publishes the changes in the outbox to Kafka, each once and a customer's in their order.

One relay of a topic works at a time, in a worker of the active generation, by an advisory lock on a connection of its
own. The lock lasts as long as the connection: when a relay stops or dies, is silent for too long, or its generation is
no longer the active one, the next one gets it. A relay sends a batch, waits until all of
it is acknowledged, and then in one transaction removes the batch and notes the end offsets of the topic's partitions.
Records beyond these offsets, found when a relay starts or a batch has failed, were sent but not noted: they are removed
without being sent again.

A batch has at most one record of a customer, so a batch that fails in part can't reverse a customer's changes; tenants
take turns in it. A record that Kafka refuses for what it is, not for want of a server, holds up nothing but the further
changes of its customer: these are held for a minute, and the record is tried again then.

A change can still be published twice, by a relay that lost its lock while Kafka took its last batch, or by a broker
that repeats what a producer sent again. Consumers must ignore a change whose ``seq`` they have already processed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from projections.engine.connection import Connection
from projections.identity import outbox
from projections.identity.keys import CustomerKey
from projections.identity.outbox import ChangeKey, Unsent
from schemas.changes import change_key
from services.runtime import metrics
from services.runtime.database import is_transient
from services.vault.records import ChangeToSend, LogSealing, PlainLog, RecordToSend
from services.worker.adapters.batches import send_many
from services.worker.adapters.kafka import refuses_record
from services.worker.agent_spec import Connect

log = structlog.get_logger(__name__)
T = TypeVar("T")

_POLL_MS: Final = 1000  # ms
_FETCH_WAIT_MS: Final = 10  # ms; the records are there already
_COUNT_EVERY: Final = 5.0
_HELD_FOR: Final = 60.0


class OutboxRelay:
    """Empties the outbox of one topic; see BackgroundService. It polls each ``every`` seconds, and when woken.

    ``held_for`` is for how many seconds a customer is held whose change Kafka refuses.
    """

    def __init__(  # noqa: PLR0913 - what it reads from, what it writes to, and two times
        self,
        connect: Connect,
        producer: AIOKafkaProducer,
        topic: str,
        kafka: str,
        *,
        every: float,
        held_for: float = _HELD_FOR,
        sealing: LogSealing | None = None,
    ) -> None:
        self._connect = connect
        self._producer = producer
        self._topic = topic
        self._kafka = kafka
        self._every = every
        self._held_for = held_for
        self._sealing = sealing or PlainLog()
        self._woken = asyncio.Event()
        self._interrupted = ""
        self._counted_at = 0.0
        self._held: dict[CustomerKey, float] = {}  # until when, in monotonic seconds

    def wake(self) -> None:
        """The outbox may have new changes: poll at once."""
        self._woken.set()

    async def run(self) -> None:
        """Run until cancelled. After an outage of Kafka or PostgreSQL it starts again."""
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

    async def _relay_alone(self, connection: Connection) -> None:
        """Wait for the lock, then relay for as long as the connection holds it and its generation is the active one."""
        await self._count(connection)
        while not await outbox.lock(connection):
            await asyncio.sleep(self._every)
            await self._count(connection)
        await self._recover(connection)
        log.info("relay_began")
        self._interrupted = ""
        while await outbox.is_active(connection):
            self._woken.clear()
            sent = await self.relay(connection)
            await self._count(connection)
            if not sent:
                await self._pause()
        await outbox.unlock(connection)
        log.info("relay_ended")

    async def _count(self, connection: Connection) -> None:
        """Keep the metric. Every worker does, since it may be that no relay works."""
        if (now := time.monotonic()) > self._counted_at + _COUNT_EVERY:
            self._counted_at = now
            metrics.CHANGES_WAITING.set(await outbox.waiting(connection))
            metrics.CHANGES_OLDEST.set(await outbox.oldest_age(connection))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._woken.wait()
        except TimeoutError:
            return

    async def relay(self, connection: Connection) -> int:
        """Publish a batch. Returns how many changes it had. Call it under the lock, after recovering."""
        batch = await outbox.next_batch(connection, self._held_now())
        if not batch:
            return 0
        changes = [_change(one) for one in batch]
        values = await self._sealing.change_values(changes)
        to_send = [RecordToSend(one.key, value, one.key) for one, value in zip(changes, values, strict=True)]
        # All sends must have ended, well or not, before anybody looks what the topic has.
        results = await self._keep_alive(connection, send_many(self._producer, self._topic, to_send))
        ends: dict[int, int] = {}
        published: list[ChangeKey] = []
        for one, place in zip(batch, results, strict=True):
            if isinstance(place, BaseException):
                self._hold(one, place)
            else:
                published.append(one.key)
                ends[place.partition] = max(place.offset + 1, ends.get(place.partition, 0))
        await outbox.remove(connection, published, self._topic, ends)
        metrics.CHANGES_RELAYED.inc(len(published))
        return len(batch)

    def _held_now(self) -> list[CustomerKey]:
        now = time.monotonic()
        self._held = {customer: until for customer, until in self._held.items() if until > now}
        metrics.CHANGES_HELD.set(len(self._held))
        return list(self._held)

    def _hold(self, one: Unsent, error: BaseException) -> None:
        """Hold the customer's changes. Raises the error if it is not about the record."""
        if not refuses_record(error):
            raise error
        log.error("change_refused", error=type(error).__name__, bytes=len(one.payload))
        self._held[one.customer] = time.monotonic() + self._held_for

    async def _keep_alive(self, connection: Connection, work: Awaitable[T]) -> T:
        """The result of the work. Meanwhile the server is pinged: it gives the lock of a silent session to another."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self._every)
                if not task.done():
                    await connection.execute("SELECT 1")
            return task.result()
        finally:
            task.cancel()

    async def _recover(self, connection: Connection) -> None:
        """Remove from the outbox what the topic has beyond the noted offsets. The first time, only note its ends."""
        await self._keep_alive(connection, self._producer.flush())  # a batch that was given up may still be sent
        noted = await outbox.positions(connection, self._topic)
        async with _reader(self._kafka, self._topic) as consumer:
            partitions = [TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()]
            ends = await consumer.end_offsets(partitions)
            starts = {place: noted.get(place.partition, end) for place, end in ends.items()}
            published = await self._read(consumer, starts, ends)
        await outbox.remove(connection, published, self._topic, {place.partition: end for place, end in ends.items()})
        if published:
            log.info("relay_recovered", changes=len(published))

    async def _read(
        self, consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> list[ChangeKey]:
        published: list[ChangeKey] = []
        behind = [place for place, start in starts.items() if start < ends[place]]
        for place in behind:
            consumer.seek(place, starts[place])
        while behind:
            for records in (await consumer.getmany(*behind, timeout_ms=_POLL_MS)).values():
                values = await self._sealing.opened_values([(record.key, record.value) for record in records])
                keys = map(outbox.published_key, values)
                published += [one for one in keys if one is not None]
            behind = [place for place in behind if await consumer.position(place) < ends[place]]
        return published


def _change(one: Unsent) -> ChangeToSend:
    return ChangeToSend(one.tenant, change_key(one.tenant, one.customer_id), one.payload.encode())


@asynccontextmanager
async def _reader(kafka: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, enable_auto_commit=False, group_id=None, fetch_max_wait_ms=_FETCH_WAIT_MS
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
