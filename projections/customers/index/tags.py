"""The taggings of one tag, by customer (pure)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from pyroaring import BitMap

from projections.customers.index.columns import MISSING, Array, Mask, OwnedRows, bitmap_of
from projections.customers.index.comparing import number_mask
from projections.customers.search.operators import NumberTest

NEVER: Final = 2**63 - 1  # when a tagging runs out that does not


class TaggingRow(NamedTuple):
    """How often a tag was put on a customer, the latest time, and when that runs out; times in ms."""

    number: int
    last_at: int
    ends_at: int


class TaggingsHeld:
    """Which customers have a tag, how often and since when. Several rows of a customer run out at different times."""

    def __init__(self) -> None:
        self._rows = OwnedRows(number=np.int32, last_at=np.int64, ends_at=np.int64)
        self._several = False  # whether any customer has several rows
        self.customers = BitMap()  # that have any

    @property
    def memory(self) -> int:
        """The memory that it takes."""
        return self._rows.memory + 2 * len(self.customers)

    def append(self, owners: Sequence[int], taggings: Sequence[TaggingRow]) -> None:
        """Taggings of customers that had none, in the order of their numbers."""
        self._several |= len(owners) > len(set(owners))
        self.customers |= BitMap(owners)
        columns = zip(*taggings, strict=True)
        self._rows.append(owners, dict(zip(TaggingRow._fields, columns, strict=True)))

    def replace(self, owner: int, taggings: Sequence[TaggingRow]) -> None:
        """The taggings of a customer, one at least."""
        self.customers.add(owner)
        self._several |= len(taggings) > 1
        self._rows.replace(owner, taggings)

    def remove(self, owner: int) -> None:
        """A customer has it no more."""
        self.customers.remove(owner)
        self._rows.replace(owner, ())

    def ended(self, now: int) -> BitMap:
        """The customers on whom it has run out."""
        ended = self._rows.alive & (self._rows["ends_at"] <= now)
        found = bitmap_of(self._rows.owners[ended])
        if self._several and found:
            found -= bitmap_of(self._rows.owners[self._rows.alive & ~ended])
        return found

    def owners(self, now: int, count: NumberTest | None, since: int | None) -> Array:
        """The customers that have it: tagged so often, and the last time not before ``since``."""
        live = self._rows.alive & (self._rows["ends_at"] > now)
        owners, counts, last_at = self._rows.owners[live], self._rows["number"][live], self._rows["last_at"][live]
        if self._several:
            owners, counts, last_at = _added_up(owners, counts, last_at)
        holds: Mask = counts > 0
        if count is not None:
            holds &= number_mask(count, counts)
        if since is not None:
            holds &= last_at >= since
        return owners[holds]


def _added_up(owners: Array, counts: Array, last_at: Array) -> tuple[Array, Array, Array]:
    """One row of each customer: the counts added up, the latest time."""
    each, at = np.unique(owners, return_inverse=True)
    latest = np.full(len(each), MISSING)
    np.maximum.at(latest, at, last_at)
    return each, np.bincount(at, weights=counts, minlength=len(each)).astype(np.int64), latest


def taggings_in(parts: Iterable[Sequence[int | None]]) -> list[TaggingRow]:
    """The taggings of one tag in a customer's row."""
    return [TaggingRow(count or 0, at or 0, NEVER if end is None else end) for count, at, end in parts]
