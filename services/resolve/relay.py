"""Changes out of the outbox into Kafka, each once and a customer's in their order.

One relay works at a time, by an advisory lock on a connection of its own. It sends a batch, waits until all of it is
acknowledged, and then, in one transaction, removes it and notes where the topic's partitions end. Whatever is found in
the topic after that note, when a relay starts or a batch has failed, was sent and not noted: it is removed unsent.

A batch has one change of a customer at most, so a batch that fails in parts can't turn a customer's changes round.

What remains: a relay that lost its lock while Kafka took its last batch, or a broker that repeats what a producer
sent again, can still put a change on the topic twice. So ``(customer_id, seq)`` is a change's identity, and whoever
listens drops what doesn't follow on what he has.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from projections.engine.store import columns
from schemas.changes import change_key, decode_change
from services.runtime.database import database_heals

log = structlog.get_logger(__name__)

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('onefold.changes'), hashtext(current_schema()))"
_UNLOCK: Final = "SELECT pg_advisory_unlock(hashtext('onefold.changes'), hashtext(current_schema()))"
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
_BATCH: Final = 1000
_READ_WITHIN: Final = 1000  # ms


class Unsent(NamedTuple):
    """A row of the outbox."""

    id: int
    tenant: str
    customer_id: UUID
    seq: int
    payload: str


Told = tuple[str, UUID, int]  # (tenant, customer_id, seq)


class Relay:
    """Empties the outbox of one generation. ``run`` until it is cancelled; an outage makes it begin anew."""

    def __init__(self, pool: asyncpg.Pool, producer: AIOKafkaProducer, topic: str, kafka: str, *, every: float) -> None:
        self._pool = pool
        self._producer = producer
        self._topic = topic
        self._kafka = kafka
        self._every = every
        self.wake = asyncio.Event()  # set it after a commit that may have told changes: then nobody waits ``every``

    async def run(self) -> None:
        """Relay for as long as the task lives."""
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._while_alone(connection)
            except (KafkaError, OSError) as error:
                log.warning("relay_interrupted", server="kafka", error=type(error).__name__)
            except Exception as error:
                if not database_heals(error):
                    raise
                log.warning("relay_interrupted", server="postgresql", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _while_alone(self, connection: Any) -> None:
        """Relay under the lock; at once back if another relay has it."""
        async with _locked(connection) as alone:
            if not alone:
                return
            await self._recover(connection)
            while True:
                self.wake.clear()
                if not await self.relay(connection):
                    await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self.wake.wait()
        except TimeoutError:
            return

    async def relay(self, connection: Any) -> int:
        """Send a batch; how many changes it had. Call it under the lock, after recovering."""
        batch = _one_a_customer([Unsent(*row) for row in await connection.fetch(_UNSENT, _BATCH)])
        if not batch:
            return 0
        sent = [await self._send(one) for one in batch]
        # All must have come to an end, well or not, before anybody looks what the topic has.
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        ends: dict[int, int] = {}
        for place in outcomes:
            if isinstance(place, BaseException):
                raise place
            ends[place.partition] = max(place.offset + 1, ends.get(place.partition, 0))
        await self._note(connection, [(one.tenant, one.customer_id, one.seq) for one in batch], ends)
        return len(batch)

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
        await self._producer.flush()  # a batch that was given up may still be on its way
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
async def _locked(connection: Any) -> AsyncIterator[bool]:
    alone = await connection.fetchval(_LOCK)
    try:
        yield alone
    finally:
        if alone and not connection.is_closed():
            await connection.execute(_UNLOCK)


@asynccontextmanager
async def _reader(kafka: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, enable_auto_commit=False, group_id=None)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> list[Told]:
    told: list[Told] = []
    behind = {place for place, start in starts.items() if start < ends[place]}
    for place, start in starts.items():
        consumer.seek(place, start)
    while behind:
        found = await consumer.getmany(*behind, timeout_ms=_READ_WITHIN)
        for place, records in found.items():
            for record in records:
                change = decode_change(record.value)
                told.append((change.tenant, change.customer_id, change.seq))
            if records and records[-1].offset + 1 >= ends[place]:
                behind.discard(place)
    return told


def _one_a_customer(rows: Iterable[Unsent]) -> list[Unsent]:
    """The first change of each customer; those after it go in the next batch."""
    batch: dict[tuple[str, UUID], Unsent] = {}
    for row in rows:
        batch.setdefault((row.tenant, row.customer_id), row)
    return list(batch.values())
