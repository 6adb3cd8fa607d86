"""What the worker writes to Kafka: records for the next agent, and dead letters."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    UnsupportedForMessageFormatError,
)

from schemas.topics import IDENTITY_EVIDENCE, TOPICS, Topic
from services.runtime.decoding import DeadLetter
from services.runtime.publishing import partition_of
from services.runtime.retrying import Retrier
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent, LogSealing, RecordToSend
from services.worker.agent_spec import TopicName

_STOP_WITHIN: Final = 2.0
_BATCH_BYTES: Final = 262_144  # of a partition; a send waits while such a batch is full and under way


@contextlib.asynccontextmanager
async def open_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that waits for all replicas. The caller starts it; it is stopped in the end."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_servers,
        acks="all",
        max_batch_size=_BATCH_BYTES,
        max_request_size=max(one.largest_record for one in TOPICS),
    )
    try:
        yield producer
    finally:
        with contextlib.suppress(TimeoutError):  # the partition's next owner sends again what was not sent
            async with asyncio.timeout(_STOP_WITHIN):
                await producer.stop()


_REFUSALS: Final = (
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    UnsupportedForMessageFormatError,
)


def refuses_record(error: BaseException) -> bool:
    """Whether Kafka, or its client, refuses the record as it is, whenever it is sent."""
    return isinstance(error, _REFUSALS)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    return isinstance(error, KafkaError | OSError) and not refuses_record(error)


async def accepts_connections(settings: Settings) -> None:
    """Return if one of the brokers accepts a connection; raises the OSError of the last one."""
    servers = [server.strip().rsplit(":", 1) for server in settings.kafka_servers.split(",")]
    for number, (host, port) in enumerate(servers, 1):
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            if number == len(servers):
                raise
        else:
            writer.close()
            return


class KafkaNextAgents:
    """Sends events to the topics that agents read, as ``sealing`` puts them into the log."""

    def __init__(
        self, producer: AIOKafkaProducer, topic_name: TopicName, retrier: Retrier, sealing: LogSealing
    ) -> None:
        self._producer = producer
        self._topic_name = topic_name
        self._retrier = retrier
        self._sealing = sealing

    async def send(self, topic: Topic, events: Sequence[EncodedEvent]) -> None:
        """Send the events to the topic of evidence or of channel events.

        Returns once all are acknowledged, however long that takes.
        """
        name = self._topic_name(topic)
        of_evidence = topic is IDENTITY_EVIDENCE
        records = await (self._sealing.evidence_records if of_evidence else self._sealing.channel_records)(events)

        async def once() -> None:
            partitions = await self._producer.partitions_for(name)
            await asyncio.gather(*[await self._send(name, record, len(partitions)) for record in records])

        await self._retrier.until_done("kafka", once, is_transient)

    async def _send(self, topic: str, record: RecordToSend, partitions: int) -> Awaitable[object]:
        partition = partition_of(record.place, partitions)
        sent: Awaitable[object] = await self._producer.send(
            topic, key=record.key, value=record.value, partition=partition
        )
        return sent


class KafkaDeadLetters:
    """The dead-letter topic: the bytes as they came; reason, key, topic, partition and offset are in the headers.

    So is the ``generation`` whose worker refuses the record: another one may take it. The key is the place of the
    refused record. A worker that is killed before it commits sends its letters again: who reads them tells repeats by
    the key.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, generation: str, retrier: Retrier) -> None:
        self._producer = producer
        self._topic = topic
        self._generation = generation
        self._retrier = retrier

    async def send(self, topic: str, partition: int, letters: list[DeadLetter]) -> None:
        """Returns once all are acknowledged, however long that takes.

        Of a record that Kafka refuses as a dead letter the headers alone are sent: the record stays where it is.
        """

        async def once() -> None:
            sent = [asyncio.create_task(self._send_one(topic, partition, letter)) for letter in letters]
            await asyncio.gather(*sent)

        await self._retrier.until_done("kafka", once, is_transient)

    async def _send_one(self, topic: str, partition: int, letter: DeadLetter) -> None:
        key = f"{topic}/{partition}/{letter.record.offset}".encode()
        headers = [*_headers(topic, partition, letter), ("generation", self._generation.encode())]
        own_key = [("key", letter.record.key)] if letter.record.key is not None else []
        try:
            await self._producer.send_and_wait(
                self._topic, value=letter.record.value, key=key, headers=[*headers, *own_key]
            )
        except KafkaError as error:
            if not refuses_record(error):
                raise
            size = str(len(letter.record.value or b"")).encode()
            await self._producer.send_and_wait(self._topic, key=key, headers=[*headers, ("left_out", size)])


def _headers(topic: str, partition: int, letter: DeadLetter) -> list[tuple[str, bytes]]:
    headers = {
        "reason": letter.reason,
        "detail": letter.detail,
        "field": letter.field,
        "topic": topic,
        "partition": str(partition),
        "offset": str(letter.record.offset),
    }
    return [(name, value.encode("utf-8", "backslashreplace")[:1000]) for name, value in headers.items()]
