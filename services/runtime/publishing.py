"""Publishing one event from a command; the HTTP services keep a producer open instead."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, event_key
from services.runtime.settings import Settings

_TIMEOUT: Final = 15.0


class NotPublished(Exception):
    """Kafka did not acknowledge the event. It may be in the log all the same; publishing it again is harmless."""


async def publish(settings: Settings, event: Event) -> None:
    """Return when all in-sync replicas have the event. Raises NotPublished."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, client_id="onefold-command", acks="all")
    key = event_key(event.tenant, event.contact.key if event.contact else None)
    try:
        async with asyncio.timeout(_TIMEOUT):
            await producer.start()
            await producer.send_and_wait(CHANNEL_EVENTS.full_name(settings.topic_prefix), encode(event), key)
    except (TimeoutError, KafkaError) as error:
        raise NotPublished(type(error).__name__) from error
    finally:
        await producer.stop()
