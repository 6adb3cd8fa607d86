"""One event into the log, from a command: what the HTTP services have a producer for all the time."""

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS, event_key
from services.runtime.settings import Settings

_WITHIN: Final = 15.0


class NotSaid(Exception):
    """Kafka did not acknowledge the event; it may be in the log all the same, and saying it again is harmless."""


async def say(settings: Settings, event: Event) -> None:
    """Return when every replica that counts has the event. Raises NotSaid."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, client_id="onefold-command", acks="all")
    key = event_key(event.tenant, event.contact.key if event.contact else None)
    try:
        async with asyncio.timeout(_WITHIN):
            await producer.start()
            await producer.send_and_wait(CHANNEL_EVENTS.full_name(settings.topic_prefix), encode(event), key)
    except (TimeoutError, KafkaError) as error:
        raise NotSaid(type(error).__name__) from error
    finally:
        await producer.stop()
