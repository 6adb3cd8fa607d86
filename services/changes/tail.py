"""The end of the topic, read once for all listeners of a process.

The tail keeps the latest records, opened, up to a number of bytes, and forgets them all when keys are destroyed. A
listener has nothing in it but offsets: a slow one finds its records gone from the tail, and reads them from the log
again. A listener is woken by records of its own tenant.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from itertools import chain
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from services.changes.errors import ChangesUnavailable
from services.changes.log import ChangeTopic, answered, ends_of, fetched, new_consumer
from services.changes.pages import ChangeRecord, FeedPage, Wanted, in_time
from services.vault.records import LogSealing, PlainLog

log = structlog.get_logger(__name__)

_MOST_BYTES: Final = 8_388_608
_BESIDE_VALUE: Final = 400  # bytes that a record takes besides its value
_FETCHED: Final = 2000  # records taken at once
_AGAIN_AFTER: Final = 1.0  # seconds


class Tail:
    """The latest records of a topic; `run` fills it."""

    def __init__(
        self, kafka: str, topic: ChangeTopic, most_bytes: int = _MOST_BYTES, sealing: LogSealing | None = None
    ) -> None:
        self.topic = topic
        self._sealing = sealing or PlainLog()
        self._kafka = kafka
        self._most_bytes = most_bytes
        self._bytes = 0
        self._order: deque[int] = deque()  # the partitions of the records, the oldest first
        self._records: list[deque[ChangeRecord]] = []
        self._starts: list[int] = []  # nothing before these offsets is kept
        self._ends: list[int] = []
        self._woken: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        while True:
            consumer = new_consumer(self._kafka)
            try:
                await answered(consumer.start())
                await self._follow(consumer)
            except (ChangesUnavailable, KafkaError, OSError) as error:
                log.warning("changes_interrupted", error=type(error).__name__)
            finally:
                await consumer.stop()
            self.begin([])
            await asyncio.sleep(_AGAIN_AFTER)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign(self.topic.places)
        for place in self.topic.places:
            consumer.seek(place, 0)
        ends = await ends_of(consumer, self.topic)
        for place, end in zip(self.topic.places, ends, strict=True):
            consumer.seek(place, end)
        self.begin(ends)
        destroyed = await answered(self._sealing.latest_destroyed())
        while True:
            self.add(chain.from_iterable(await fetched(consumer, self.topic.places, _FETCHED, self._sealing)))
            before, destroyed = destroyed, await answered(self._sealing.latest_destroyed())
            if destroyed != before:  # what was opened with a key that is no more must not be given out
                self.begin(self._ends)

    def begin(self, ends: list[int]) -> None:
        """Keep nothing, and go on at these offsets; without offsets, be of no use to anybody until then."""
        self._bytes, self._order = 0, deque()
        self._records = [deque() for _ in ends]
        self._starts, self._ends = list(ends), list(ends)
        self.wake_all()

    def add(self, records: Iterable[ChangeRecord]) -> None:
        """Add records, a partition's in their order; forget the oldest ones, and wake whose they are."""
        tenants = set()
        for one in records:
            self._records[one.partition].append(one)
            self._order.append(one.partition)
            self._ends[one.partition] = one.offset + 1
            self._bytes += len(one.value) + _BESIDE_VALUE
            tenants.add(one.tenant)
        while self._bytes > self._most_bytes:
            oldest = self._records[self._order.popleft()].popleft()
            self._starts[oldest.partition] = oldest.offset + 1
            self._bytes -= len(oldest.value) + _BESIDE_VALUE
        for tenant in tenants & self._woken.keys():
            self._woken[tenant].set()

    def wake_all(self) -> None:
        """Wake every listener."""
        for event in self._woken.values():
            event.set()

    def covers(self, offsets: list[int]) -> bool:
        """Whether the tail has all that follows these offsets."""
        if len(offsets) != len(self._ends):
            return False
        return all(start <= at <= end for start, at, end in zip(self._starts, offsets, self._ends, strict=True))

    def page(self, offsets: list[int], wanted: Wanted, limit: int) -> FeedPage | None:
        """The changes that follow the offsets; None if the tail does not cover them."""
        if not self.covers(offsets):
            return None
        page = FeedPage(list(offsets), limit)
        page.take(in_time([_after(kept, at) for kept, at in zip(self._records, offsets, strict=True)]), wanted)
        if not page.more:
            page.offsets = list(self._ends)
        return page

    async def wait(self, tenant: str, seconds: float) -> list[int] | None:
        """Wait for a record of the tenant. If none has come in that time, the offsets up to which none has.

        Call it at once after a page that was empty, without waiting in between.
        """
        event = self._woken.setdefault(tenant, asyncio.Event())
        self._waiting[tenant] += 1
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:  # it may have been woken all the same, just before its turn
            return None if event.is_set() else list(self._ends)
        else:
            return None
        finally:
            self._waiting[tenant] -= 1
            if self._woken.get(tenant) is event and (event.is_set() or not self._waiting[tenant]):
                del self._woken[tenant]
            if not self._waiting[tenant]:
                del self._waiting[tenant]


def _after(kept: deque[ChangeRecord], offset: int) -> list[ChangeRecord]:
    """The records from the offset on; the listeners at the end look at those alone."""
    found = []
    for one in reversed(kept):
        if one.offset < offset:
            break
        found.append(one)
    return found[::-1]
