"""A chunk is decoded some records at a time."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from projections.engine.ids import NO_CONTACT
from projections.engine.offsets import Ownership
from projections.engine.projection import ContactEvent
from services.runtime.decoding import DeadLetter, Decoded, KafkaRecord
from services.vault.records import OpenedRecords
from services.worker.core.chunk import Chunk
from services.worker.handlers.partition_runner import PartitionRunner, WorkerProgress

RECORDS = 350


class Record(NamedTuple):
    offset: int
    timestamp: int = 0


class Decoder:
    """Makes every third record a dead letter, and each other one an event that is its offset."""

    async def opened(self, records: Sequence[Record]) -> OpenedRecords:
        return OpenedRecords(cast("Any", list(records)), 0)

    def decode(self, records: Sequence[Record]) -> Decoded:
        events = [ContactEvent(NO_CONTACT, cast("Any", one.offset)) for one in records if one.offset % 3]
        dead = [DeadLetter(cast("KafkaRecord", one), "empty", "", "") for one in records if not one.offset % 3]
        return Decoded(events, dead)


def runner() -> PartitionRunner:
    return PartitionRunner(cast("Any", Decoder()), WorkerProgress(), cast("Any", None))


def chunk() -> Chunk:
    records = [Record(offset) for offset in range(RECORDS)]
    return Chunk("t", 0, 0, RECORDS, Ownership(1, 0, 1), cast("Any", records))


async def test_every_record_is_decoded_once_and_in_order() -> None:
    decoded = await runner().decode(chunk())
    assert [cast("Any", one.event) for one in decoded.events] == [offset for offset in range(RECORDS) if offset % 3]
    assert [one.record.offset for one in decoded.dead_letters] == list(range(0, RECORDS, 3))


async def test_others_run_while_a_large_chunk_is_decoded() -> None:
    decoding = asyncio.create_task(runner().decode(chunk()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not decoding.done()
    await decoding
