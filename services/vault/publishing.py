"""Publishing an event from a command."""

from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.runtime.publishing import open_publisher
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent, open_log_sealing


async def publish(settings: Settings, event: Event) -> None:
    """Return when all in-sync replicas have the event. Raises NotPublished, and what PostgreSQL raises."""
    async with open_log_sealing(settings, name="onefold-command") as sealing:
        (record,) = await sealing.channel_records([EncodedEvent.of(event)])
    async with open_publisher(settings) as publisher:
        topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
        await publisher.send(topic, record.key, record.value, place=record.place)
