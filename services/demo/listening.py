"""The topic of customer changes, heard from its beginning to its end."""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.changes import change_in
from schemas.topics import CUSTOMER_CHANGES
from services.demo.errors import Stuck
from services.demo.membership import Listener
from services.demo.spoilt import TENANT
from services.runtime.broker import log_ends
from services.runtime.settings import Settings

_READ_WITHIN: Final = 1000  # ms
_SILENCES: Final = 30  # in a row, before the broker is given up


async def listen(settings: Settings) -> Listener:
    """Whoever has heard all changes of the demo's customers that are on the topic now. Raises Stuck."""
    topic = CUSTOMER_CHANGES.full_name(settings.topic_prefix)
    ends = {TopicPartition(topic, one): end for one, end in (await log_ends(settings.kafka_servers, topic)).items()}
    listener = Listener()
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        await _hear(consumer, ends, listener)
    finally:
        await consumer.stop()
    return listener


async def _hear(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], listener: Listener) -> None:
    silences = 0
    while behind := [place for place, end in ends.items() if await consumer.position(place) < end]:
        found = await consumer.getmany(*behind, timeout_ms=_READ_WITHIN)
        silences = 0 if found else silences + 1
        if silences > _SILENCES:
            raise Stuck("The changes of customers can't be read to their end; is Kafka well?")
        for records in found.values():
            for record in records:
                change = change_in(record.value)
                if change is not None and change.tenant == TENANT:
                    listener.hear(change)
