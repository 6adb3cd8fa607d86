"""A chunk: the unit of work of an agent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from projections.engine.offsets import Ownership
from services.runtime.decoding import Decoded, KafkaRecord


@dataclass(frozen=True, slots=True)
class Chunk:
    """Successive records of one partition: offsets ``start`` (inclusive) to ``end`` (exclusive).

    All were fetched under one ownership of the partition, so one epoch fences them all.
    """

    topic: str
    partition: int
    start: int
    end: int
    ownership: Ownership
    records: list[KafkaRecord]

    @property
    def place(self) -> tuple[str, int]:
        """The topic and the partition."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """A chunk, and what its records are."""

    chunk: Chunk
    decoded: Decoded

    def continues(self, before: "DecodedChunk") -> bool:
        """Whether the chunk follows the one ``before``, under the same ownership."""
        mine, other = self.chunk, before.chunk
        return (mine.place, mine.ownership, mine.start) == (other.place, other.ownership, other.end)


def pieces(chunk: Chunk, size: int) -> Iterator[Chunk]:
    """The chunk in pieces of at most so many records, which continue each other."""
    start = chunk.start
    for first in range(0, len(chunk.records), size):
        following = first + size
        end = chunk.records[following].offset if following < len(chunk.records) else chunk.end
        records = chunk.records[first:following]
        yield Chunk(chunk.topic, chunk.partition, start, end, chunk.ownership, records)
        start = end


def joined(parts: Sequence[DecodedChunk]) -> DecodedChunk:
    """One chunk of some that continue each other."""
    if len(parts) == 1:
        return parts[0]
    first, last = parts[0].chunk, parts[-1].chunk
    records = [record for one in parts for record in one.chunk.records]
    events = [event for one in parts for event in one.decoded.events]
    dead_letters = [letter for one in parts for letter in one.decoded.dead_letters]
    whole = Chunk(first.topic, first.partition, first.start, last.end, first.ownership, records)
    return DecodedChunk(whole, Decoded(events, dead_letters, sum(one.decoded.erased for one in parts)))
