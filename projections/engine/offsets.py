"""The offset up to which each partition has been folded, stored in the same transaction as the rows.

Offsets that are committed to Kafka are only a hint. Acquiring a partition raises its epoch. A chunk commits its offset
only under the epoch that it was fetched in, and only from exactly where the last chunk ended: a worker that lost the
partition changes nothing, however late it writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from projections.engine.connection import Connection
from projections.engine.metadata import METADATA
from projections.engine.statements import compiled, unnested
from projections.engine.store import columns


def _count(name: str, first: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text(str(first)))


OFFSETS: Final = sa.Table(
    "offsets",
    METADATA,
    sa.Column("topic", sa.Text(collation="C"), primary_key=True),
    sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
    _count("next_offset"),
    _count("epoch", first=1),
    _count("committed"),
    _count("duplicates"),
    _count("dead_letters"),
    _count("recent_records"),
    _count("recent_dead"),
)
_OWNED: Final = (
    OFFSETS.c.partition,
    OFFSETS.c.next_offset,
    OFFSETS.c.epoch,
    OFFSETS.c.recent_records,
    OFFSETS.c.recent_dead,
)
_PARTITIONS: Final = unnested("acquired", [OFFSETS.c.partition])
_ACQUIRE: Final = compiled(
    insert(OFFSETS)
    .from_select(
        ["topic", "partition"],
        sa.select(sa.bindparam("topic", type_=sa.Text()), _PARTITIONS.c.partition).order_by(_PARTITIONS.c.partition),
        include_defaults=False,
    )
    .on_conflict_do_update(
        index_elements=[OFFSETS.c.topic, OFFSETS.c.partition], set_={OFFSETS.c.epoch: OFFSETS.c.epoch + 1}
    )
    .returning(*_OWNED),
    "topic",
    "partition",
)
_MOVED: Final = unnested(
    "moved",
    [
        OFFSETS.c.topic,
        OFFSETS.c.partition,
        OFFSETS.c.epoch,
        *(
            sa.column(name, sa.BigInteger())
            for name in ("start", "end", "new", "repeated", "dead", "recently", "recently_dead")
        ),
    ],
)
_COMMIT: Final = compiled(
    sa.update(OFFSETS)
    .where(
        OFFSETS.c.topic == _MOVED.c.topic,
        OFFSETS.c.partition == _MOVED.c.partition,
        OFFSETS.c.epoch == _MOVED.c.epoch,
        OFFSETS.c.next_offset == _MOVED.c.start,
    )
    .values(
        next_offset=_MOVED.c.end,
        committed=OFFSETS.c.committed + _MOVED.c.new,
        duplicates=OFFSETS.c.duplicates + _MOVED.c.repeated,
        dead_letters=OFFSETS.c.dead_letters + _MOVED.c.dead,
        recent_records=_MOVED.c.recently,
        recent_dead=_MOVED.c.recently_dead,
    ),
    *_MOVED.c.keys(),
)
_POSITION: Final = compiled(
    sa.select(OFFSETS.c.epoch, OFFSETS.c.next_offset).where(
        OFFSETS.c.topic == sa.bindparam("topic"), OFFSETS.c.partition == sa.bindparam("partition")
    ),
    "topic",
    "partition",
)
_ALL: Final = compiled(sa.select(OFFSETS))
_NEXT: Final = compiled(sa.select(OFFSETS.c.topic, OFFSETS.c.partition, OFFSETS.c.next_offset))


@dataclass(frozen=True, slots=True)
class Ownership:
    """A partition when it was acquired: the next offset to read, the epoch, and the recent counts for the limit."""

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
        """The number of records."""
        return self.committed + self.duplicates + self.dead_letters


@dataclass(frozen=True, slots=True)
class OffsetCommit:
    """A move of one partition's offset from ``start`` to ``end`` (the next offset to read), with its counts."""

    topic: str
    partition: int
    epoch: int
    start: int
    end: int
    counts: Counts
    recent_records: int = 0
    recent_dead: int = 0


async def acquire(connection: Connection, topic: str, partitions: Iterable[int]) -> dict[int, Ownership]:
    """Become the owner of the partitions. Former owners are fenced from now on."""
    rows = await connection.fetch(_ACQUIRE, topic, sorted(partitions))
    return {row["partition"]: Ownership(*row) for row in rows}


async def commit(connection: Connection, *moves: OffsetCommit) -> bool:
    """Move the offsets. False if an epoch or a start differs: the transaction must be rolled back."""
    rows = [
        (
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
        for move in moves
    ]
    status = await connection.execute(_COMMIT, *columns(rows))
    return bool(status == f"UPDATE {len(moves)}")


async def position(connection: Connection, topic: str, partition: int) -> tuple[int, int] | None:
    """The partition's epoch and next offset; None if it was never acquired."""
    row = await connection.fetchrow(_POSITION, topic, partition)
    return None if row is None else (row["epoch"], row["next_offset"])


async def all_offsets(connection: Connection) -> list[Any]:
    """Every row of the table of offsets, as records with its columns."""
    rows: list[Any] = await connection.fetch(_ALL)
    return rows


async def next_offsets(connection: Connection) -> dict[str, dict[int, int]]:
    """The next offset of each partition, by topic."""
    found: dict[str, dict[int, int]] = {}
    for topic, partition, offset in await connection.fetch(_NEXT):
        found.setdefault(topic, {})[partition] = offset
    return found
