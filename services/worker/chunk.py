"""What a worker is handed: the records of one partition from one fetch."""

from dataclasses import dataclass

from projections.engine.offsets import Ownership
from services.runtime.decoding import Record


@dataclass(frozen=True, slots=True)
class Chunk:
    """All records from ``start`` up to ``end`` (exclusive), fetched under one ownership of the partition."""

    topic: str
    partition: int
    start: int
    end: int
    ownership: Ownership
    records: list[Record]
