"""Publishing from a command; the HTTP services keep a producer open instead."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, TOPICS, event_key
from services.runtime.settings import Settings

_TIMEOUT: Final = 15.0


class NotPublished(Exception):
    """Kafka did not acknowledge the event. It may be in the log all the same; publishing it again is harmless."""


async def publish(settings: Settings, event: Event) -> None:
    """Return when all in-sync replicas have the event. Raises NotPublished."""
    key = event_key(event.tenant, event.contact.key if event.contact else None)
    async with open_publisher(settings) as publisher:
        await publisher.send(CHANNEL_EVENTS.full_name(settings.topic_prefix), key, encode(event))


class Publisher:
    """Sends records one by one."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[int, int]:
        """The record's partition and offset, once all in-sync replicas have it. Raises NotPublished."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                place = await self._producer.send_and_wait(topic, value, key, headers=list(headers))
        except (TimeoutError, KafkaError) as error:
            raise NotPublished(type(error).__name__) from error
        return place.partition, place.offset


@asynccontextmanager
async def open_publisher(settings: Settings) -> AsyncIterator[Publisher]:
    """A publisher, stopped in the end. Raises NotPublished if Kafka can't be reached."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers,
        client_id="onefold-command",
        acks="all",
        max_request_size=max(one.largest_record for one in TOPICS),
    )
    try:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await producer.start()
        except (TimeoutError, KafkaError) as error:
            raise NotPublished(type(error).__name__) from error
        yield Publisher(producer)
    finally:
        await producer.stop()
