"""Fetches records while the agents work, so that a record need not wait until the last ones were handed on.

aiokafka leaves partitions out of a fetch as long as their records were not taken. Faust takes them from its main loop,
between everything else that this does. With few records a second, a record so waits for several turns of both loops.
Here the thread of the consumer takes them at once, and keeps them until the main loop asks.
"""

import asyncio
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

FETCH_WAIT: Final = 0.05  # seconds that a fetch, or an agent, waits for records at most
_AHEAD: Final = 200  # records of a partition; one that has as many is fetched again once they are taken


class FetchedRecords:
    """The records that were fetched and not taken yet, of each partition in their order. Two threads may use it.

    ``most``: a partition that has as many is not `wanted`. What one fetch brings is kept, however much it is.
    """

    def __init__(self, most: int = _AHEAD) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._records: dict[TP, list[Any]] = {}

    def put(self, records: Mapping[TP, Sequence[Any]]) -> None:
        """Keep the records, after those that are kept of their partitions."""
        with self._lock:
            for tp, found in records.items():
                self._records.setdefault(tp, []).extend(found)

    def take(self, active: Collection[TP]) -> dict[TP, list[Any]]:
        """The records of these partitions, which are no longer kept."""
        with self._lock:
            return {tp: self._records.pop(tp) for tp in list(self._records) if tp in active}

    def drop(self, partitions: Collection[TP], assigned: Collection[TP]) -> None:
        """Forget the records of these partitions, and of all that are not assigned any more."""
        with self._lock:
            for tp in list(self._records):
                if tp in partitions or tp not in assigned:
                    del self._records[tp]

    def wanted(self, active: Collection[TP]) -> set[TP]:
        """Those of the partitions of which more is to be fetched."""
        with self._lock:
            return {tp for tp in active if len(self._records.get(tp, ())) < self._most}


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, which fetches ahead, and with a shorter fetch wait.

    aiokafka has one fetch per broker under way. So a busy partition waits until the fetch of the idle ones returns:
    1.5 seconds with Faust's setting.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetched = FetchedRecords()
        self._active: Collection[TP] = ()
        self._failure: BaseException | None = None
        self._arrived = asyncio.Event()  # of the main loop
        self._taken = asyncio.Event()  # of the thread's

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = int(FETCH_WAIT * 1000)
        return consumer

    async def stop(self) -> None:
        """Stop the thread. Once it has crashed, it has ended, and its loop is closed."""
        if not self.thread_loop.is_closed():
            await super().stop()

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        """The records of the active partitions that are there; waits for some. Raises what fetching has raised."""
        self._active = frozenset(active_partitions or ())
        self._arrived.clear()
        if not (records := self._take()):
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                return {}
            records = self._take()
        return records

    def _take(self) -> dict[TP, list[Any]]:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        records = self._fetched.take(self._active)
        self.thread_loop.call_soon_threadsafe(self._taken.set)  # not before: what is taken may be wanted again
        return records

    @Service.task
    async def _fetch_ahead(self) -> None:
        """Fetch what is wanted, until the consumer is closed. Runs in the thread."""
        while not self.should_stop:
            wanted = self._fetched.wanted(self._active) if self.consumer.flow_active else None
            if not wanted:
                await self._until_taken()
                continue
            try:
                records = await self._fetch_records(self._ensure_consumer(), wanted, timeout=FETCH_WAIT)
            except Exception as error:  # noqa: BLE001 - raised where Faust asks for records
                self._failure, records = error, {}
            self._fetched.put(records)  # at once: no seek comes between, which would not find them here
            if records or self._failure is not None:
                self.parent_loop.call_soon_threadsafe(self._arrived.set)
            if self._failure is not None:
                await self._until_taken()

    async def _until_taken(self) -> None:
        self._taken.clear()
        try:
            async with asyncio.timeout(FETCH_WAIT):
                await self._taken.wait()
        except TimeoutError:
            return

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        self._fetched.drop(partitions, consumer.assignment())
        await super()._seek_wait(consumer, partitions)
