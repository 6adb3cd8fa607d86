"""How old the oldest record is that is not committed yet, by partition.

It is known exactly once the record was fetched. Until then the answer is an upper bound: the record is younger than
the one before it, and than the last time when nothing was left. Where neither is known, the answer is the time since
the partition was acquired.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PartitionKey = tuple[str, int]  # topic, number


class TopicLag(NamedTuple):
    """What is left of a topic's partitions that are read: records, and the age of the oldest, seconds (0: none is)."""

    partitions: int = 0
    records: int = 0
    seconds: float = 0.0


class _Fetched(NamedTuple):
    end: int  # the offset after the chunk
    first_at: float  # seconds since the epoch, of its first record
    last_at: float


@dataclass(slots=True)
class _Partition:
    first_seen: float  # seconds since the epoch
    younger_than: float | None = None  # the same: no record that is left is older; None: not known yet
    fetched: deque[_Fetched] = field(default_factory=deque)


class PartitionAges:
    """Notes the times of what is fetched and committed. ``now`` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._partitions: dict[PartitionKey, _Partition] = {}

    def fetched(self, place: PartitionKey, end: int, first_at: float, last_at: float) -> None:
        """A chunk was fetched; one that is fetched again takes the place of what was fetched."""
        known = self._of(place).fetched
        while known and known[-1].end >= end:  # the partition was acquired again, and is read from an earlier offset
            known.pop()
        known.append(_Fetched(end, first_at, last_at))

    def committed(self, place: PartitionKey, end: int) -> None:
        """All records before the offset ``end`` are committed."""
        partition = self._of(place)
        while partition.fetched and partition.fetched[0].end <= end:
            last_at = partition.fetched.popleft().last_at
            partition.younger_than = max(partition.younger_than or last_at, last_at)

    def lag(self, left: Mapping[PartitionKey, int]) -> dict[str, TopicLag]:
        """The lag of each topic, from the number of records that are left of each partition that is read."""
        now = self._now()
        for lost in self._partitions.keys() - left.keys():
            del self._partitions[lost]
        found: dict[str, TopicLag] = {}
        for place, records in left.items():
            before = found.get(place[0], TopicLag())
            age = self._age(place, records, now)
            found[place[0]] = TopicLag(before.partitions + 1, before.records + records, max(before.seconds, age))
        return found

    def _age(self, place: PartitionKey, records: int, now: float) -> float:
        partition = self._of(place)
        if records == 0:
            partition.fetched.clear()
            partition.younger_than = now
            return 0.0
        if partition.fetched:
            return max(0.0, now - partition.fetched[0].first_at)
        return max(0.0, now - (partition.younger_than or partition.first_seen))

    def _of(self, place: PartitionKey) -> _Partition:
        return self._partitions.setdefault(place, _Partition(self._now()))
