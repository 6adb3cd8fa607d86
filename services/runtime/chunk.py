"""What a worker is handed: the records of one partition from one fetch."""

from dataclasses import dataclass
from typing import Protocol

from projections.engine.offsets import Ownership


class Record(Protocol):
    """What is read of a Kafka record."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes."""

    @property
    def value(self) -> bytes | None:
        """The value's bytes."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """All records from ``start`` up to ``end`` (exclusive), fetched under one ownership of the partition."""

    topic: str
    partition: int
    start: int
    end: int
    ownership: Ownership
    records: list[Record]
