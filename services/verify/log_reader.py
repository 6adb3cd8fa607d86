"""Reads topics from their first record."""

from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from projections.engine.projection import ContactEvent
from services.runtime.decoding import Decoded
from services.vault.records import LogSealing, PlainLog
from services.verify.snapshot import Ends

_WAIT_MS: Final = 10  # the records are there already: a fetch that waits for more would only delay the next request

EventPlace = tuple[int, int]  # partition, offset
Decode = Callable[[Sequence[Any]], Decoded]


@dataclass(slots=True)
class TopicEvents:
    """A topic's records as events: those up to the offsets of the tables, and the events ``after`` these.

    ``set_aside`` are the events of records that a worker could not save, which are dead letters; ``erased`` are records
    whose keys were destroyed: nobody can say any more whether they are events.
    """

    records: int = 0
    dead_letters: int = 0
    erased: int = 0
    events: list[ContactEvent] = field(default_factory=list)
    after: list[ContactEvent] = field(default_factory=list)
    set_aside: list[ContactEvent] = field(default_factory=list)


class LogReader:
    """Reads topics. ``on_progress`` is called with the number of records read since the last call."""

    def __init__(self, kafka: str, on_progress: Callable[[int], None], sealing: LogSealing | None = None) -> None:
        self._kafka = kafka
        self._on_progress = on_progress
        self._sealing = sealing or PlainLog()

    async def events(
        self, topic: str, ends: Ends, decode: Decode, *, whole: bool = False, set_aside: Container[EventPlace] = ()
    ) -> TopicEvents:
        """The topic's events up to ``ends``; with ``whole`` also the events after that.

        The records at the places that are ``set_aside`` are dead letters, though they are events.
        """
        found = TopicEvents()
        async for place, records in self.records(topic, None if whole else ends):
            folded = [record for record in records if record.offset < ends.get(place, 0)]
            kept = [record for record in folded if (place, record.offset) not in set_aside]
            aside = [record for record in folded if (place, record.offset) in set_aside]
            opened = await self._sealing.opened(kept)
            events = decode(opened.records).events
            found.records += len(folded)
            found.erased += opened.erased
            found.dead_letters += len(folded) - opened.erased - len(events)
            found.events += events
            found.set_aside += decode((await self._sealing.opened(aside)).records).events
            found.after += decode((await self._sealing.opened(records[len(folded) :])).records).events
        return found

    async def values(self, topic: str, ends: Mapping[int, int] | None = None) -> AsyncIterator[list[bytes | None]]:
        """The values of the same records as `records` gives, opened; None for one whose key was destroyed."""
        async for _, records in self.records(topic, ends):
            yield await self._sealing.opened_values([(one.key, one.value) for one in records])

    async def records(
        self, topic: str, ends: Mapping[int, int] | None = None, *, latest: int | None = None
    ) -> AsyncIterator[tuple[int, list[Any]]]:
        """The records below ``ends`` (without: all records by now), partition by partition, in batches.

        With ``latest``, only so many of each partition, counted by offsets.

        A log that is shorter than ``ends`` gives what it has; the counts show the difference then.
        """
        async with self._consumer(topic) as consumer:
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            log_ends = await consumer.end_offsets(places)
        for place in places:
            end = log_ends[place] if ends is None else min(log_ends[place], ends.get(place.partition, 0))
            if end:
                async for found in self._read(place, end, latest):
                    yield place.partition, found

    async def _read(self, place: TopicPartition, end: int, latest: int | None) -> AsyncIterator[list[Any]]:
        async with self._consumer() as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            if latest is not None:
                consumer.seek(place, max(end - latest, await consumer.position(place)))
            while await consumer.position(place) < end:
                found = (await consumer.getmany(place, timeout_ms=1000, max_records=5000)).get(place, [])
                if found:
                    self._on_progress(len(found))
                    yield [record for record in found if record.offset < end]

    @asynccontextmanager
    async def _consumer(self, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer that is assigned partitions only once.

        aiokafka swallows the cancellation of its own task if it is stopped just after its partitions have changed, and
        waits for ever.
        """
        consumer = AIOKafkaConsumer(
            *topics, bootstrap_servers=self._kafka, enable_auto_commit=False, fetch_max_wait_ms=_WAIT_MS
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()
