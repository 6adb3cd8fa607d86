"""The topic of changes on the broker: its id, its bounds, and reading it from any offsets on.

A few readers at a time serve all who are behind the end, one of a tenant's listeners at a time. Each reads a bounded
number of records and gives its place to the next.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.changes.errors import ChangesUnavailable, UnknownCursor
from services.changes.pages import ChangeRecord, FeedPage, Wanted, in_time, record_of
from services.runtime.database import DATABASE_ERRORS
from services.runtime.topic_ids import topic_identities
from services.vault.records import KeysNotSet, LogSealing, OpenSealing, PlainLog, open_plain_log

T = TypeVar("T")
_WITHIN: Final = 10.0  # seconds for an answer of Kafka
_TURN: Final = 5.0  # seconds that a reader looks for one listener
_POLL_MS: Final = 500
_FETCHED: Final = 500  # records taken at once
_MOST_LOOKED_AT: Final = 20_000  # records for one page
_PARTITION_BYTES: Final = 262_144
_READERS: Final = 4


class ChangeTopic(NamedTuple):
    """A topic of changes; where the broker has no ids of topics, the id is made of the name."""

    name: str
    topic_id: UUID
    partitions: int

    @property
    def places(self) -> list[TopicPartition]:
        """Its partitions, in their order."""
        return [TopicPartition(self.name, number) for number in range(self.partitions)]


def new_consumer(kafka: str) -> AIOKafkaConsumer:
    """A consumer without a group, which is given its partitions; the caller starts and stops it."""
    return AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=_PARTITION_BYTES,
        fetch_max_wait_ms=_POLL_MS,
    )


async def fetched(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], most: int, sealing: LogSealing
) -> list[list[ChangeRecord]]:
    """The next records of the partitions, opened, a list for each that has some.

    Raises a KafkaError and ChangesUnavailable.
    """
    found = await consumer.getmany(*places, timeout_ms=_POLL_MS, max_records=most)
    return [await _opened(records, sealing) for records in found.values()]


async def _opened(records: Sequence[Any], sealing: LogSealing) -> list[ChangeRecord]:
    values = await answered(sealing.opened_values([(one.key, one.value) for one in records]))
    return [
        record_of(one.partition, one.offset, one.timestamp, one.key, value)
        for one, value in zip(records, values, strict=True)
    ]


async def ends_of(consumer: AIOKafkaConsumer, topic: ChangeTopic) -> list[int]:
    """The next offset of each partition. Raises ChangesUnavailable."""
    found = await answered(consumer.end_offsets(topic.places))
    return [found[place] for place in topic.places]


async def answered(asked: Awaitable[T]) -> T:
    """What Kafka or PostgreSQL answers. Raises ChangesUnavailable."""
    try:
        async with asyncio.timeout(_WITHIN):
            return await asked
    except (TimeoutError, KafkaError, KeysNotSet, *DATABASE_ERRORS) as error:
        raise ChangesUnavailable(ChangesUnavailable.__doc__) from error


class ChangeLog:
    """Reads the topics of changes of one broker; what opens their records is opened and closed with it."""

    def __init__(self, kafka: str, open_sealing: OpenSealing = open_plain_log, readers: int = _READERS) -> None:
        self.kafka = kafka
        self.sealing: LogSealing = PlainLog()
        self._open_sealing = open_sealing
        self._free = asyncio.Semaphore(readers)
        self._idle: list[AIOKafkaConsumer] = []
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be able to open records until the block ends; then stop the readers."""
        async with self._open_sealing() as self.sealing:
            try:
                yield
            finally:
                await self._stop_readers()

    async def _stop_readers(self) -> None:
        while self._idle:
            await self._idle.pop().stop()

    async def topic(self, name: str) -> ChangeTopic:
        """The topic of this name, as it is now. Raises ChangesUnavailable."""
        found = await answered(topic_identities(self.kafka, [name]))
        if name in found:
            return ChangeTopic(name, UUID(found[name].topic_id), found[name].partitions)
        consumer = AIOKafkaConsumer(name, bootstrap_servers=self.kafka, group_id=None)
        try:
            await answered(consumer.start())
            partitions = len(consumer.partitions_for_topic(name) or ())
        finally:
            await consumer.stop()
        if not partitions:
            raise ChangesUnavailable(ChangesUnavailable.__doc__)
        return ChangeTopic(name, uuid5(NAMESPACE_OID, name), partitions)

    async def bounds(self, tenant: str, topic: ChangeTopic) -> tuple[list[int], list[int]]:
        """The first and the next offset of each partition. Raises ChangesUnavailable."""
        async with self._reader(tenant) as consumer:
            return await self._bounds(consumer, topic, [0] * topic.partitions)

    async def offsets_at(self, tenant: str, topic: ChangeTopic, since: int) -> list[int]:
        """The offset of each partition's first record from this time on, ms. Raises ChangesUnavailable."""
        async with self._reader(tenant) as consumer:
            _, ends = await self._bounds(consumer, topic, [0] * topic.partitions)
            found = await answered(consumer.offsets_for_times(dict.fromkeys(topic.places, since)))
        places = zip(topic.places, ends, strict=True)
        return [end if found.get(place) is None else found[place].offset for place, end in places]

    async def read(self, topic: ChangeTopic, offsets: list[int], wanted: Wanted, limit: int) -> FeedPage:
        """The changes from the offsets on: at most ``limit``, of a bounded number of records.

        Raises UnknownCursor for offsets that the topic has not any more, or not yet, and ChangesUnavailable.
        """
        page = FeedPage(list(offsets), limit)
        async with self._reader(wanted.tenant) as consumer:
            starts, ends = await self._bounds(consumer, topic, offsets)
            if any(not start <= at <= end for start, at, end in zip(starts, offsets, ends, strict=True)):
                raise UnknownCursor(UnknownCursor.__doc__)
            until = time.monotonic() + _TURN
            while not page.full and (behind := [place for place in topic.places if _is_behind(place, page, ends)]):
                if page.looked_at >= _MOST_LOOKED_AT or time.monotonic() > until:
                    page.more = True
                    break
                page.take(in_time(await answered(fetched(consumer, behind, _FETCHED, self.sealing))), wanted)
            page.more = page.more or any(_is_behind(place, page, ends) for place in topic.places)
        return page

    async def _bounds(
        self, consumer: AIOKafkaConsumer, topic: ChangeTopic, offsets: list[int]
    ) -> tuple[list[int], list[int]]:
        consumer.assign(topic.places)
        for place, offset in zip(topic.places, offsets, strict=True):
            consumer.seek(place, offset)
        first = await answered(consumer.beginning_offsets(topic.places))
        return [first[place] for place in topic.places], await ends_of(consumer, topic)

    @asynccontextmanager
    async def _reader(self, tenant: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A reader for one turn, after the tenant's others. It is thrown away if anything goes wrong."""
        turn = self._turns.setdefault(tenant, asyncio.Lock())
        self._waiting[tenant] += 1
        try:
            async with turn, self._free:
                consumer = self._idle.pop() if self._idle else await self._started()
                try:
                    yield consumer
                    consumer.unsubscribe()
                except BaseException:
                    await consumer.stop()
                    raise
                self._idle.append(consumer)
        finally:
            self._waiting[tenant] -= 1
            if not self._waiting[tenant]:
                del self._waiting[tenant], self._turns[tenant]

    async def _started(self) -> AIOKafkaConsumer:
        consumer = new_consumer(self.kafka)
        try:
            await answered(consumer.start())
        except BaseException:
            await consumer.stop()
            raise
        return consumer


def _is_behind(place: TopicPartition, page: FeedPage, ends: list[int]) -> bool:
    partition: int = place.partition
    return page.offsets[partition] < ends[partition]
