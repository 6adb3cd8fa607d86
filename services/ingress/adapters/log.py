"""Appends events to the topic of channel events."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from types import TracebackType
from typing import Final, Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import encode
from schemas.events import Event
from schemas.topics import CHANNEL_EVENTS
from services.ingress.adapters.deadlines import Deadlines
from services.ingress.adapters.record_batches import Acks, RecordBatches
from services.ingress.core.shares import proven
from services.ingress.ports import LogFull, LogUnavailable, Record
from services.runtime.budget import Budget, BudgetExceeded, BudgetLease
from services.runtime.cancelling import cancel_all
from services.runtime.database import is_unavailable
from services.runtime.http import NotReady
from services.runtime.metrics import INGRESS_ACK_SECONDS
from services.runtime.publishing import partition_of
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent, LogSealing, RecordToSend, open_log_sealing

log = structlog.get_logger(__name__)

# A record is given up, and its memory with it, this long after it was sent without being acknowledged.
_GIVE_UP_MS: Final = 10_000
REPLACE_AFTER: Final = 12.0  # s
_LINGER_MS: Final = 5
_BATCH_BYTES: Final = 524_288
_STOP_WITHIN: Final = 5.0
_RECORD_OVERHEAD: Final = 512  # what aiokafka and asyncio keep for each record that is under way


class KafkaLog:
    """The log of channel events on Kafka, acks=all.

    It connects, and connects again, in the background: while Kafka is away, appending fails at once or within
    ``ack_timeout``. Bytes that Kafka may still acknowledge stay on the budget also after their request was answered.
    Where the settings name master keys, records are sealed before they are appended.
    A producer that acknowledged nothing for ``replace_after`` seconds, though asked to, is replaced by a new one.
    """

    def __init__(
        self,
        settings: Settings,
        budget: Budget,
        replace_after: float = REPLACE_AFTER,
        acknowledged: Callable[[Sequence[Record]], None] | None = None,
    ) -> None:
        """``acknowledged`` is called with the records of each call that Kafka has acknowledged."""
        self._settings = settings
        self._acknowledged = acknowledged
        self._topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)
        self._budget = budget
        self._replace_after = replace_after
        self._sealing: LogSealing | None = None  # None: everything goes into the log as it is
        self._closing = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._batches: RecordBatches | None = None
        self._deadlines: Deadlines | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._stuck = asyncio.Event()
        self._connected = asyncio.Event()

    async def __aenter__(self) -> Self:
        if self._settings.master_key_file is not None:
            self._sealing = await self._closing.enter_async_context(
                open_log_sealing(self._settings, name="onefold-ingress")
            )
        self._deadlines = Deadlines(self._settings.ack_timeout)
        self._keeper = asyncio.create_task(self._keep_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            await cancel_all(self._keeper)
        await self._closing.aclose()

    async def connected(self) -> None:
        """Return once there is a connection to append through, however long that takes."""
        await self._connected.wait()

    async def append(self, records: Sequence[Record]) -> None:
        """See Log."""
        to_send = _plain(records) if self._sealing is None else await self._sealed(self._sealing, records)
        batches, deadlines = self._batches, self._deadlines
        if batches is None or deadlines is None:
            raise LogUnavailable("Kafka can't be reached")
        acks = Acks(self._lease(records[0].event.tenant, to_send))
        began = perf_counter()
        try:
            partitions = batches.partitions
            for key, value, place in to_send:
                batches.add(partition_of(place, partitions), key, value, acks)
            acks.no_more()
            deadlines.add(acks.done)
            await acks.done
        except (TimeoutError, KafkaError) as error:
            self._failed(error)
            raise LogUnavailable("Kafka has not acknowledged in time") from error
        finally:
            acks.no_more()
        self._failing_since = None
        INGRESS_ACK_SECONDS.observe(perf_counter() - began)
        if self._acknowledged is not None:
            self._acknowledged(records)

    async def append_event(self, event: Event) -> None:
        """Append one event of our own. Raises LogUnavailable."""
        await self.append([Record.of(event, encode(event))])

    async def check(self) -> None:
        """Raises NotReady, or what Kafka's client raises, if nothing can be appended."""
        producer = self._producer
        if producer is None:
            raise NotReady("not connected")
        await producer.client.fetch_all_metadata()

    async def _sealed(self, sealing: LogSealing, records: Sequence[Record]) -> list[RecordToSend]:
        """The records as they go into the log. Raises LogUnavailable while their keys, or Kafka, can't be had."""
        if self._batches is None:
            raise LogUnavailable("Kafka can't be reached")
        try:
            async with asyncio.timeout(self._settings.ack_timeout):
                return await sealing.channel_records([EncodedEvent(one.event, one.value) for one in records])
        except Exception as error:
            if not is_unavailable(error):
                raise
            raise LogUnavailable("PostgreSQL has not given the keys in time") from error

    def _lease(self, tenant: str, records: Sequence[RecordToSend]) -> BudgetLease:
        lease = self._budget.lease(*proven(tenant))  # all records of a request are of one
        try:
            lease.grow(sum(len(record.key) + len(record.value) + _RECORD_OVERHEAD for record in records))
        except BudgetExceeded as error:
            raise LogFull(str(error)) from None
        return lease

    def _failed(self, error: Exception) -> None:
        now = perf_counter()
        if self._failing_since is None:
            self._failing_since = now
            log.warning("log_away", error=type(error).__name__)
        elif now - self._failing_since > self._replace_after:
            self._failing_since = now
            self._stuck.set()

    async def _keep_connected(self) -> None:
        retrier = Retrier()
        while True:
            self._stuck.clear()
            producer = await retrier.until_done("kafka", self._connect, _worth_another_try)
            log.info("log_connected")
            self._producer, self._failing_since = producer, None
            self._batches = batches = RecordBatches(producer, self._topic, _LINGER_MS / 1000)
            self._connected.set()
            try:
                await self._stuck.wait()
                log.warning("log_connection_replaced")
            finally:
                self._producer = self._batches = None
                self._connected.clear()
                try:
                    await _stopped(producer)
                finally:
                    await batches.give_up()

    async def _connect(self) -> AIOKafkaProducer:
        producer = new_producer(self._settings, linger_ms=0)  # its batches linger together, before it has them
        try:
            await producer.start()
            await producer.partitions_for(self._topic)  # a topic that is not there is as good as no Kafka
        except BaseException:
            await _stopped(producer)
            raise
        return producer


def _plain(records: Sequence[Record]) -> list[RecordToSend]:
    return [RecordToSend(record.key, record.value, record.key) for record in records]


def new_producer(settings: Settings, linger_ms: int = _LINGER_MS) -> AIOKafkaProducer:
    """A producer with the settings of ingress, not started."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers,
        client_id="onefold-ingress",
        acks="all",
        linger_ms=linger_ms,
        max_batch_size=_BATCH_BYTES,
        max_request_size=CHANNEL_EVENTS.largest_record,
        compression_type="lz4",
        request_timeout_ms=_GIVE_UP_MS,
    )


def _worth_another_try(error: BaseException) -> bool:
    """Always true: without Kafka there is nothing else to do, and each failed attempt is logged with its error."""
    return isinstance(error, Exception)


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Stop it and flush its buffer, for a few seconds at most: the senders were answered 503 and will send again."""
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_STOP_WITHIN):
            await producer.stop()
