"""The reference for freshness: a stream through Kafka into one table, by the least that can be done.

Records are produced with the settings of ingress, consumed, inserted in one transaction for what one fetch brought, and
committed. Nothing is checked, translated or resolved. It runs in the process of the benchmark.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.bed import connected
from benchmarks.ingest.pace import LOOK_EVERY, Tasks
from projections.engine.connection import Connection
from schemas.topics import CHANNEL_EVENTS
from services.ingress.adapters.log import new_producer
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings

_TABLE = "CREATE TABLE IF NOT EXISTS public.round_trips (key bytea PRIMARY KEY, value bytea NOT NULL)"
_INSERT = "INSERT INTO public.round_trips VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_SELECT = "SELECT value FROM public.round_trips WHERE key = $1"


class RoundTrips:
    """Sends records, and times some of them until they are selected, in seconds."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, reader: Connection) -> None:
        self._producer, self._topic, self._reader = producer, topic, reader
        self._reading = asyncio.Lock()  # a connection takes one query at a time
        self.tasks = Tasks()
        self.taken: list[float] = []

    def send(self, key: bytes, value: bytes) -> None:
        """Send one record."""
        self.tasks.start(self._producer.send_and_wait(self._topic, value, key))

    def probe(self, key: bytes, value: bytes) -> None:
        """Send one record of a key that is in no other, and time it."""
        began = time.perf_counter()
        self.send(key, value)
        self.tasks.start(self._until_seen(key, began))

    async def _until_seen(self, key: bytes, began: float) -> None:
        found = None
        while found is None:
            await asyncio.sleep(LOOK_EVERY)
            async with self._reading:
                found = await self._reader.fetchval(_SELECT, key)
        self.taken.append(time.perf_counter() - began)


@asynccontextmanager
async def round_trips(settings: Settings, prefix: str) -> AsyncIterator[RoundTrips]:
    """Yield the reference on a topic of its own, in the database of the settings."""
    await ensure_topics(settings.model_copy(update={"topic_prefix": prefix}))
    topic, url = CHANNEL_EVENTS.full_name(prefix), settings.database_url
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka_servers, auto_offset_reset="latest")
    async with connected(url) as writer, connected(url) as reader, consumer, new_producer(settings) as producer:
        await writer.execute(_TABLE)
        await consumer.seek_to_end()
        inserting = asyncio.create_task(_insert(consumer, writer))
        try:
            yield RoundTrips(producer, topic, reader)
        finally:
            inserting.cancel()
            await asyncio.gather(inserting, return_exceptions=True)


async def _insert(consumer: AIOKafkaConsumer, writer: Connection) -> None:
    while True:
        fetched = await consumer.getmany(timeout_ms=1_000)
        rows = {record.key: record.value for records in fetched.values() for record in records}
        if rows:
            await writer.executemany(_INSERT, list(rows.items()))
