"""Which records of the topic are a listener's, and how far its cursor moves (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import merge
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import orjson

from schemas.changes import ChangeType
from schemas.sealing import is_sealed

ChangeName = ChangeType | Literal["quota_crossed"]
_PAGE_BYTES: Final = 1_048_576


class ChangeRecord(NamedTuple):
    """A record of the topic; ``at`` is its time by Kafka, ms."""

    partition: int
    offset: int
    at: int
    tenant: str
    customer_id: str
    value: bytes


class Wanted(NamedTuple):
    """Whose changes a listener wants: one tenant's, perhaps of one customer or of some types only."""

    tenant: str
    customer_id: UUID | None = None
    types: frozenset[str] | None = None

    def has(self, record: ChangeRecord) -> bool:
        """Whether the record is one of these changes."""
        if record.tenant != self.tenant or self.customer_id not in {None, _id_in(record.customer_id)}:
            return False
        return self.types is None or type_of(record.value) in self.types


class FoundChange(NamedTuple):
    """A change, and the cursor's offsets after it."""

    value: bytes
    offsets: tuple[int, ...]


@dataclass(slots=True)
class FeedPage:
    """The changes found from ``offsets`` on, which move past every record that was looked at."""

    offsets: list[int]
    limit: int
    changes: list[FoundChange] = field(default_factory=list)
    looked_at: int = 0
    more: bool = False
    _bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether it takes no further change."""
        return len(self.changes) >= self.limit or self._bytes >= _PAGE_BYTES

    def take(self, records: Iterable[ChangeRecord], wanted: Wanted) -> None:
        """Take records, a partition's in their order, until the page is full."""
        for one in records:
            if self.full:
                self.more = True
                return
            if one.offset < self.offsets[one.partition]:
                continue
            self.looked_at += 1
            self.offsets[one.partition] = one.offset + 1
            if wanted.has(one):
                self._bytes += len(one.value)
                self.changes.append(FoundChange(one.value, tuple(self.offsets)))


def in_time(partitions: Iterable[Iterable[ChangeRecord]]) -> Iterable[ChangeRecord]:
    """The records of several partitions, about in the order of time; a partition's stay in their order."""
    return merge(*partitions, key=attrgetter("at"))


def record_of(partition: int, offset: int, at: int, key: bytes | None, value: bytes | None) -> ChangeRecord:
    """A record of the topic. One with another key than a change's is nobody's, and one that could not be opened."""
    tenant, _, customer_id = (key or b"").decode("utf-8", "replace").rpartition("|")
    readable = value and not is_sealed(value)
    return ChangeRecord(partition, offset, at, tenant if readable else "", customer_id, value or b"")


def type_of(value: bytes) -> str:
    """The type of a change; nothing for what is none."""
    try:
        found: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return ""
    return str(found.get("type", "")) if isinstance(found, Mapping) else ""


def _id_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
