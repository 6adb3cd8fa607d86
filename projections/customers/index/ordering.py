"""A page of the customers that were found, in an order (pure): the same that PostgreSQL's statements give."""

from typing import Final

import numpy as np
from pyroaring import BitMap

from projections.customers.index.columns import MISSING, Array, Mask, bitmap_of, numbers_in
from projections.customers.index.customers import CustomerIndex
from projections.customers.search.queries import Position, Sort

_SAMPLED: Final = 2_000  # of the customers, by which the place of a page's end is guessed
_MANY: Final = 20_000  # of which guessing is faster than looking at all, if they are
_SHARE: Final = 8  # such a part of all customers
_SPARE: Final = 4


class IndexedPage:
    """Pages of the customers that are found in one index."""

    def __init__(self, index: CustomerIndex, found: BitMap, sort: Sort) -> None:
        """``sort`` is by a time."""
        self._index = index
        self._found = found
        self._times = index.times[sort.by].array
        self._descending = sort.descending

    def numbers(self, limit: int, after: Position | None) -> list[int]:
        """The next ``limit`` customers after a place; those without a time come last, by their ids."""
        if len(self._found) > max(_MANY, len(self._times) // _SHARE) and (after is None or after.value is not None):
            near = self._probably_first(limit, after)
            page = self._with_a_time(near, self._times[near], limit, after)
            if len(page) == limit:
                return page
        numbers = numbers_in(self._found)
        times = self._times[numbers]
        page = []
        if after is None or after.value is not None:
            page = self._with_a_time(numbers, times, limit, after)
        if len(page) < limit:
            rest = numbers[times == MISSING]
            if after is not None and after.value is None:
                rest = rest[self._index.ids.after(rest, after.customer_id.bytes)]
            page += self._index.ids.first(rest, limit - len(page), descending=False)
        return page

    def _with_a_time(self, numbers: Array, times: Array, limit: int, after: Position | None) -> list[int]:
        known = times != MISSING if after is None else self._are_after(numbers, times, after)
        return self._first(numbers[known], times[known], limit)

    def _are_after(self, numbers: Array, times: Array, place: Position) -> Mask:
        """Which customers with a time come after a place that has one."""
        value, last = place.value, place.customer_id.bytes
        holds: Mask = (times != MISSING) & ((times < value) if self._descending else (times > value))
        same = np.flatnonzero(times == value)
        ids = self._index.ids
        holds[same] = ids.before(numbers[same], last) if self._descending else ids.after(numbers[same], last)
        return holds

    def _first(self, numbers: Array, times: Array, limit: int) -> list[int]:
        """The first of them, all of which have a time."""
        ordered = -times if self._descending else times
        last = np.partition(ordered, limit - 1)[limit - 1] if len(ordered) > limit else np.iinfo(np.int64).max
        certain = ordered < last
        page = self._sorted(numbers[certain], ordered[certain])
        same = numbers[ordered == last]
        return page + self._index.ids.first(same, limit - len(page), descending=self._descending)

    def _probably_first(self, limit: int, after: Position | None) -> Array:
        """The customers up to some time, which a sample says are a page at least: so not all their times are read."""
        numbers = numbers_in(self._found)
        sampled = self._times[numbers[:: -(-len(numbers) // _SAMPLED)]]
        sample = np.sort(sampled[self._lie_after(sampled, after)])
        if not len(sample):
            return numbers[:0]
        number = min(len(sample), _SPARE * limit * len(sampled) // len(numbers) + _SPARE)
        times = self._times
        near = times >= sample[-number] if self._descending else times <= sample[number - 1]
        return numbers_in(self._found & bitmap_of(np.flatnonzero(near & self._lie_after(times, after))))

    def _lie_after(self, times: Array, place: Position | None) -> Mask:
        """Which times are after a place, or are its own."""
        known: Mask = times != MISSING
        if place is None or place.value is None:
            return known
        return known & ((times <= place.value) if self._descending else (times >= place.value))

    def _sorted(self, numbers: Array, ordered: Array) -> list[int]:
        """All of them, which are fewer than a page has."""
        ids = self._index.ids
        by_id = sorted(
            zip(numbers.tolist(), ordered.tolist(), strict=True),
            key=lambda one: ids.id(one[0]),
            reverse=self._descending,
        )
        return [number for number, _ in sorted(by_id, key=lambda one: one[1])]
