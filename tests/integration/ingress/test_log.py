"""The log of channel events on a real Kafka: what many requests append at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import CHANNEL_EVENTS
from services.ingress.adapters.log import KafkaLog
from services.ingress.ports import LogUnavailable, Record
from services.runtime.broker import ensure_topics
from services.runtime.budget import Budget
from services.runtime.publishing import partition_of
from services.runtime.settings import Settings
from tests.support.contact_records import event
from tests.support.ingress import PARTITIONS, settings_for

KEY = b"tenant|contact"
EVENT = event("contact.blocked")
FIRST = Record(KEY, b"first", EVENT)
LARGE = 100_000  # a batch holds five of them


@asynccontextmanager
async def _log(settings: Settings, budget: Budget) -> AsyncIterator[KafkaLog]:
    """A log to whose partition of the key Kafka takes records: of a new topic it does so after a while."""
    await ensure_topics(settings)
    async with KafkaLog(settings, budget) as log, asyncio.timeout(240):
        accepted = False
        while not accepted:
            await log.connected()
            try:
                await log.append([FIRST])
                accepted = True
            except LogUnavailable:
                await asyncio.sleep(0.1)
        yield log


async def _values(settings: Settings, number: int) -> list[bytes]:
    """The first so many values of the partition of the key, besides FIRST."""
    place = TopicPartition(CHANNEL_EVENTS.full_name(settings.topic_prefix), partition_of(KEY, PARTITIONS))
    found: list[bytes] = []
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka_servers) as consumer, asyncio.timeout(240):
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        while len(found) < number:
            records = (await consumer.getmany(place, timeout_ms=1_000)).get(place, [])
            found += [record.value for record in records if record.value != FIRST.value]
    return found


async def test_one_keys_records_keep_their_order_also_where_batches_are_full(
    kafka: str, database: str, topic_prefix: str
) -> None:
    settings = settings_for(kafka, database, topic_prefix, ack_timeout=60)
    values = [str(number).zfill(LARGE).encode() for number in range(24)]
    budget = Budget(100_000_000)
    async with _log(settings, budget) as log:
        await asyncio.gather(*(log.append([Record(KEY, value, EVENT)]) for value in values))
    assert await _values(settings, len(values)) == values
    assert budget.used == 0


async def test_requests_share_batches_and_each_is_answered(kafka: str, database: str, topic_prefix: str) -> None:
    settings = settings_for(kafka, database, topic_prefix, ack_timeout=60)
    requests = [[Record(KEY, f"{one}.{part}".encode(), EVENT) for part in range(3)] for one in range(50)]
    budget = Budget(100_000_000)
    async with _log(settings, budget) as log:
        await asyncio.gather(*map(log.append, requests))
        assert budget.used == 0
    assert await _values(settings, 150) == [record.value for request in requests for record in request]
