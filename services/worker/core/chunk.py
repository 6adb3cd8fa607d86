"""A chunk: the unit of work of an agent, and of a transaction."""

from dataclasses import dataclass

from projections.engine.offsets import Ownership
from services.runtime.decoding import KafkaRecord


@dataclass(frozen=True, slots=True)
class Chunk:
    """The records of one partition from one fetch: offsets ``start`` (inclusive) to ``end`` (exclusive).

    All were fetched under one ownership of the partition, so one epoch fences them all.
    """

    topic: str
    partition: int
    start: int
    end: int
    ownership: Ownership
    records: list[KafkaRecord]
