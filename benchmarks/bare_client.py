"""The client of a bare pipeline: it reads a log as the worker does, and has each chunk copied, two at once.

Fetch size, chunk size and the number of chunks at once are the worker's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from benchmarks.bed import PARTITIONS
from schemas.topics import Topic
from services.runtime.settings import Settings
from services.worker.agents.app import FETCH_BYTES
from services.worker.chunked_transport import in_turns
from services.worker.handlers.partition_executor import CHUNKS_AT_ONCE

LogRecords = Sequence[ConsumerRecord[bytes, bytes]]
Copy = Callable[[LogRecords], Awaitable[None]]  # one chunk, in one transaction
_FETCH_MS: Final = 1000


async def seconds_to_copy(settings: Settings, topic: Topic, events: int, copy: Copy) -> float:
    """Return how many seconds it takes to read so many records from the beginning of a topic, and to copy them."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_servers, enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES
    )
    async with consumer:
        name = topic.full_name(settings.topic_prefix)
        partitions = [TopicPartition(name, number) for number in range(PARTITIONS)]
        began = time.monotonic()
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        await _drain(consumer, copy, settings.chunk_records, events)
        return time.monotonic() - began


async def _drain(consumer: AIOKafkaConsumer, copy: Copy, chunk_records: int, events: int) -> None:
    done = 0
    free = asyncio.Semaphore(CHUNKS_AT_ONCE)

    async def run(records: LogRecords) -> None:
        try:
            await copy(records)
        finally:
            free.release()

    async with asyncio.TaskGroup() as tasks:
        while done < events:
            fetched = await consumer.getmany(timeout_ms=_FETCH_MS)
            for _, records in in_turns(fetched, chunk_records):
                done += len(records)
                await free.acquire()
                tasks.create_task(run(records))
