"""What sealing costs: the same worker on the same events, each sealed under the key of its contact.

The keys are in the generation's own database, and none of them is in the worker's memory when it starts.
"""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaProducer

from benchmarks.bed import Bed, KeyAndValue, connected
from benchmarks.end_to_end import ours
from benchmarks.figures import Round
from schemas.codec import decode
from schemas.topics import CHANNEL_EVENTS
from services.runtime.broker import ensure_topics
from services.runtime.publishing import partition_of
from services.runtime.settings import Settings
from services.vault.master_keys import new_master_key
from services.vault.records import EncodedEvent, open_log_sealing

_AT_ONCE: Final = 2000  # events


async def run(bed: Bed, settings: Settings, records: Iterable[KeyAndValue], events: int) -> Round:
    """Fill a log with the sealed records, and return its events/s and processor time an event."""
    file = bed.home / "master.keys"
    file.write_text(new_master_key())
    settings = settings.model_copy(update={"master_key_file": file})
    await _fill_log(settings, iter(records))
    async with connected(settings.database_url) as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    found = await ours.run(bed, settings, events)
    return {f"sealed_{name}": found[name] for name in ("events_per_s", "cpu_us_an_event")}


async def _fill_log(settings: Settings, records: Iterator[KeyAndValue]) -> None:
    await ensure_topics(settings)
    topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers, acks="all", linger_ms=20, max_batch_size=262_144
    )
    async with open_log_sealing(settings, name="bench") as sealing, producer:
        partitions = len(await producer.partitions_for(topic))
        while some := [EncodedEvent(decode(value), value) for _, value in islice(records, _AT_ONCE)]:
            sent = [
                await producer.send(topic, one.value, one.key, partition_of(one.place, partitions))
                for one in await sealing.channel_records(some)
            ]
            await asyncio.gather(*sent)
