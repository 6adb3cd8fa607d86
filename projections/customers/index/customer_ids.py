"""The numbers of customers in the index, and the order of their ids (pure)."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from projections.customers.index.columns import Array, GrowingColumn, Mask

_ID: Final = "S16"  # 16 bytes; numpy takes zeros at the end for none, and gives them back as none


class CustomerIds:
    """Gives each customer a number: those that are loaded by their ids' order, those that come later one after another.

    A number stays its customer's, also while there is no such customer.
    """

    def __init__(self) -> None:
        self._ids = GrowingColumn(_ID)
        self._ordered = 0  # so many from the first are in the order of their ids
        self._later: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        return self._ids.memory + 150 * len(self._later)

    @property
    def later(self) -> int:
        """How many are not in the order of their ids."""
        return len(self._later)

    def add(self, ids: Sequence[bytes]) -> range:
        """The numbers of customers that have none yet; given in the order of their ids."""
        begin = len(self)
        if self._ordered == begin and (not begin or not ids or self.id(begin - 1) < ids[0]):
            self._ordered += len(ids)
        else:
            self._later |= {one: number for number, one in enumerate(ids, begin)}
        self._ids.extend(ids)
        return range(begin, begin + len(ids))

    def numbers(self, ids: Sequence[bytes]) -> list[int | None]:
        """The number of each customer; None for one that has none."""
        if not ids:
            return []
        ordered = self._ids.array[: self._ordered]
        places = np.searchsorted(ordered, np.array(ids, dtype=_ID)).tolist()
        return [
            place if place < self._ordered and self.id(place) == one else self._later.get(one)
            for place, one in zip(places, ids, strict=True)
        ]

    def id(self, number: int) -> bytes:
        """The id of a customer."""
        found: bytes = self._ids.array[number]
        return found.ljust(16, b"\0")

    def before(self, numbers: Array, one: bytes) -> Mask:
        """Which of the numbers have an id that is less than a given one."""
        place = int(np.searchsorted(self._ids.array[: self._ordered], np.array(one, dtype=_ID)))
        less: Mask = numbers < place
        for at in np.flatnonzero(numbers >= self._ordered):
            less[at] = self.id(int(numbers[at])) < one
        return less

    def after(self, numbers: Array, one: bytes) -> Mask:
        """Which of the numbers have an id that is greater than a given one."""
        place = int(np.searchsorted(self._ids.array[: self._ordered], np.array(one, dtype=_ID), "right"))
        greater: Mask = numbers >= place
        for at in np.flatnonzero(numbers >= self._ordered):
            greater[at] = self.id(int(numbers[at])) > one
        return greater

    def first(self, numbers: Array, limit: int, *, descending: bool) -> list[int]:
        """So many of the numbers with the least ids, or the greatest, in that order."""
        own = numbers[numbers < self._ordered]
        if len(own) > limit:
            own = np.partition(own, len(own) - limit)[-limit:] if descending else np.partition(own, limit - 1)[:limit]
        both: Iterable[int] = [*own.tolist(), *numbers[numbers >= self._ordered].tolist()]
        return sorted(both, key=self.id, reverse=descending)[:limit]
