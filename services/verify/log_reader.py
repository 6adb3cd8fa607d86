"""Topics from their first records."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from projections.engine.projection import ContactEvent
from services.runtime.decoding import Decoded
from services.verify.snapshot import Ends

_WAIT_MS: Final = 10  # what is wanted is there, and a fetch that waits for more holds up what is asked next

Decode = Callable[[Sequence[Any]], Decoded]


@dataclass(slots=True)
class Said:
    """What a topic's records say, up to where they were folded, and what came ``after`` that."""

    records: int = 0
    dead_letters: int = 0
    happened: list[ContactEvent] = field(default_factory=list)
    after: list[ContactEvent] = field(default_factory=list)


class Topics:
    """Reads topics; ``seen`` is told of so many records more."""

    def __init__(self, kafka: str, seen: Callable[[int], None]) -> None:
        self._kafka = kafka
        self._seen = seen

    async def events(self, topic: str, ends: Ends, decode: Decode, *, whole: bool = False) -> Said:
        """The topic's events up to ``ends``; of the ``whole`` topic also what was written since."""
        said = Said()
        async for place, records in self.records(topic, None if whole else ends):
            folded = [record for record in records if record.offset < ends.get(place, 0)]
            decoded = decode(folded)
            said.records += len(folded)
            said.dead_letters += len(decoded.dead_letters)
            said.happened += decoded.events
            said.after += decode(records[len(folded) :]).events
        return said

    async def records(self, topic: str, ends: Mapping[int, int] | None = None) -> AsyncIterator[tuple[int, list[Any]]]:
        """The records below ``ends`` (none: all there are by now), partition by partition, some at a time.

        Of a log that is shorter than that, what there is: then the counts tell.
        """
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self._kafka, enable_auto_commit=False, fetch_max_wait_ms=_WAIT_MS
        )
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            there = await consumer.end_offsets(places)
            consumer.unsubscribe()
            for place in places:
                end = there[place] if ends is None else min(there[place], ends.get(place.partition, 0))
                consumer.assign([place])
                await consumer.seek_to_beginning(place)
                while await consumer.position(place) < end:
                    found = (await consumer.getmany(place, timeout_ms=1000, max_records=5000)).get(place, [])
                    if found:
                        self._seen(len(found))
                        yield place.partition, [record for record in found if record.offset < end]
        finally:
            await consumer.stop()
