"""How far each partition has been folded, kept with the rows themselves.

Kafka's committed offsets are a hint; these are the truth, since they move in the transaction of the rows. Taking
a partition raises its epoch, and a chunk only advances it under the epoch it was fetched in and from exactly
where the last one ended: a worker that lost the partition, however late it writes, changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

DDL: Final = """
CREATE TABLE offsets (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 1,
    committed bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead_letters bigint NOT NULL DEFAULT 0,
    recent_records bigint NOT NULL DEFAULT 0,
    recent_dead bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
)
"""

_TAKE: Final = """
INSERT INTO offsets AS o (topic, partition) SELECT $1, unnest($2::int[]) ORDER BY 2
ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1
RETURNING partition, next_offset, epoch, recent_records, recent_dead
"""

_ADVANCE: Final = """
UPDATE offsets SET next_offset = $5, committed = committed + $6, duplicates = duplicates + $7,
    dead_letters = dead_letters + $8, recent_records = $9, recent_dead = $10
WHERE topic = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4
"""


@dataclass(frozen=True, slots=True)
class Ownership:
    """A partition as it was taken: where to read on, under which epoch, and what its fuse remembers."""

    partition: int
    next_offset: int
    epoch: int
    recent_records: int = 0
    recent_dead: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a chunk's records: each is exactly one of the three."""

    committed: int = 0
    duplicates: int = 0
    dead_letters: int = 0

    @property
    def records(self) -> int:
        """How many records that were."""
        return self.committed + self.duplicates + self.dead_letters


@dataclass(frozen=True, slots=True)
class Advance:
    """A move of one partition's offset, from ``start`` to ``end`` (the next to read)."""

    topic: str
    partition: int
    epoch: int
    start: int
    end: int
    counts: Counts
    recent_records: int = 0
    recent_dead: int = 0


async def take(connection: Any, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
    """Become the owner of the partitions; whoever owned them before is fenced from now on."""
    rows = await connection.fetch(_TAKE, topic, sorted(partitions))
    return {row["partition"]: Ownership(*row) for row in rows}


async def advance(connection: Any, move: Advance) -> bool:
    """Move the offset; False where the partition is another's by now, and the transaction must be given up."""
    status = await connection.execute(
        _ADVANCE,
        move.topic,
        move.partition,
        move.epoch,
        move.start,
        move.end,
        move.counts.committed,
        move.counts.duplicates,
        move.counts.dead_letters,
        move.recent_records,
        move.recent_dead,
    )
    return bool(status == "UPDATE 1")
