"""Sends many records to a topic at once, in a batch a partition: the client takes a multiple for single records."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from services.runtime.publishing import partition_of
from services.vault.records import RecordToSend
from services.worker.adapters.kafka import refuses_record


class SentRecord(NamedTuple):
    """Where a record is in its topic."""

    partition: int
    offset: int


@dataclass(slots=True)
class _Batch:
    builder: Any  # aiokafka's BatchBuilder
    partition: int
    numbers: list[int] = field(default_factory=list)  # of its records


async def send_many(
    producer: AIOKafkaProducer, topic: str, records: Sequence[RecordToSend]
) -> list[SentRecord | BaseException]:
    """Where each record is, or the error of each that is not acknowledged. Ends once all sends have.

    A record that Kafka refuses takes no other one with it. Raises KafkaError where the topic can't be looked up.
    """
    batches = list(_batched(producer, records, len(await producer.partitions_for(topic))))
    ends = await asyncio.gather(*(_send_batch(producer, topic, one) for one in batches), return_exceptions=True)
    places: dict[int, SentRecord | BaseException] = {}
    alone: list[int] = []
    for batch, end in zip(batches, ends, strict=True):
        if not isinstance(end, BaseException):
            places |= {number: SentRecord(batch.partition, at) for at, number in enumerate(batch.numbers, end)}
        elif refuses_record(end) and len(batch.numbers) > 1:
            alone += batch.numbers
        else:
            places |= dict.fromkeys(batch.numbers, end)
    singly = await asyncio.gather(
        *(_send_one(producer, topic, records[number]) for number in alone), return_exceptions=True
    )
    places |= dict(zip(alone, singly, strict=True))
    return [places[number] for number in range(len(records))]


def _batched(producer: AIOKafkaProducer, records: Sequence[RecordToSend], partitions: int) -> Iterator[_Batch]:
    """The records in batches, each of one partition, in their order."""
    filling: dict[int, _Batch] = {}
    for number, (key, value, place) in enumerate(records):
        partition = partition_of(place, partitions)
        batch = filling.get(partition)
        if batch is None or batch.builder.append(key=key, value=value, timestamp=None) is None:
            if batch is not None:
                yield batch  # it is full
            batch = filling[partition] = _Batch(producer.create_batch(), partition)
            batch.builder.append(key=key, value=value, timestamp=None)  # an empty one takes any record
        batch.numbers.append(number)
    yield from filling.values()


async def _send_batch(producer: AIOKafkaProducer, topic: str, batch: _Batch) -> int:
    """The offset of the batch's first record."""
    acknowledged = await producer.send_batch(batch.builder, topic, partition=batch.partition)
    return int((await acknowledged).offset)


async def _send_one(producer: AIOKafkaProducer, topic: str, record: RecordToSend) -> SentRecord:
    partition = partition_of(record.place, len(await producer.partitions_for(topic)))
    sent = await producer.send_and_wait(topic, key=record.key, value=record.value, partition=partition)
    return SentRecord(sent.partition, sent.offset)
