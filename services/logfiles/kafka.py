"""Reads and writes one partition at a time, record by record as it is."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.partitioner import DefaultPartitioner

from services.logfiles.record import LogRecord
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

ATTEMPTS: Final = 20  # while Kafka can't be reached
RETRY_AFTER: Final = 3.0  # seconds
_STOP_WITHIN: Final = 30.0
_RECORDS: Final = 2000  # of one fetch
_WAIT_MS: Final = 1000
_PATIENCE: Final = 120  # fetches without a record
_BATCH_BYTES: Final = 512 * 1024


class LogMoved(ForeseenError):
    """The log is not as it was a moment ago. The message says what happened."""


class RecordReader:
    """Reads partitions. Its methods raise a KafkaError.

    Each call has a consumer of its own: one that is stopped while it moves on to another partition may hang, because
    aiokafka then swallows the cancellation of its own task.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def bounds(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """The first kept offset of each partition, and the one after its last."""
        places = [TopicPartition(topic, number) for number in partitions]
        for attempt in range(ATTEMPTS):
            try:
                async with _consumer(self._settings) as consumer:
                    first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
                break
            except KafkaError:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(RETRY_AFTER)
        return {one.partition: (first[one], ends[one]) for one in places}

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncGenerator[list[LogRecord]]:
        """The records from ``start`` to before ``end``, in pieces. Raises LogMoved if they are not there any more.

        While a broker is away, it waits, but not for ever. Close it (`aclosing`) where it may not come to its end.
        """
        place, failed = TopicPartition(topic, partition), 0
        while start < end:
            try:
                async with aclosing(self._pieces(place, start, end)) as pieces:
                    async for records in pieces:
                        start, failed = records[-1].offset + 1, 0
                        yield records
            except OffsetOutOfRangeError:
                raise LogMoved(f"Records of {topic}/{partition} were deleted while they were read.") from None
            except KafkaError:
                failed += 1
                if failed == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRY_AFTER)
            else:
                return

    async def _pieces(self, place: TopicPartition, start: int, end: int) -> AsyncGenerator[list[LogRecord]]:
        async with _consumer(self._settings) as consumer:
            consumer.assign([place])
            consumer.seek(place, start)
            waited = 0
            while await consumer.position(place) < end:
                found = (await consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=_RECORDS)).get(place, [])
                waited = 0 if found else waited + 1
                if waited > _PATIENCE:
                    name = f"{place.topic}/{place.partition}"
                    raise LogMoved(f"Kafka gives no more records of {name}. Run the same command again.")
                if records := [_record(one) for one in found if one.offset < end]:
                    yield records


class RecordWriter:
    """Writes records to one topic. Its methods raise a KafkaError."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic

    async def write(self, partition: int, records: Sequence[LogRecord]) -> int:
        """The offset of the first record, once all are acknowledged, one after the other."""
        first, left = -1, list(records)
        while left:
            batch = self._producer.create_batch()
            taken = 0
            for one in left:
                if _append(batch, one) is None:
                    break
                taken += 1
            batch.close()
            place = await (await self._producer.send_batch(batch, self._topic, partition=partition))
            first = place.offset if first < 0 else first
            left = left[taken:]
        return first


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Reads what was committed; begins nowhere by itself."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_servers,
        client_id="onefold-log",
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4 * 1024**2,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        # While a broker is away, `stop` may end by the cancellation of a task of its own, which is no one else's.
        await asyncio.wait({asyncio.create_task(consumer.stop())}, timeout=_STOP_WITHIN)


@asynccontextmanager
async def open_writer(settings: Settings, topic: str) -> AsyncIterator[RecordWriter]:
    """Writes each record once, whatever a broker does meanwhile."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers,
        client_id="onefold-log",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=60_000,
    )
    try:
        await producer.start()
        yield RecordWriter(producer, topic)
    finally:
        await producer.stop()


def partition_of(key: bytes | None, partitions: int) -> int:
    """Where producers put records of this key; those without one are put into the first partition."""
    places = list(range(partitions))
    return 0 if key is None else int(DefaultPartitioner()(key, places, places))


def _append(batch: Any, one: LogRecord) -> Any:
    return batch.append(timestamp=one.timestamp, key=one.key, value=one.value, headers=list(one.headers))


def _record(one: Any) -> LogRecord:
    return LogRecord(one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
