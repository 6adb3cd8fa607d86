"""Columns of numbers that grow, and rows that belong to customers (pure).

A customer is a number here; what belongs to it in rows (contacts, taggings, values) is found by that number.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

MISSING: Final = -(2**63)  # a time that is none
_FIRST: Final = 1024  # places of a new column
_MOST_LOOSE: Final = 4096  # rows out of order before all are put in order again


class GrowingColumn:
    """Numbers of one type, by position."""

    def __init__(self, kind: npt.DTypeLike) -> None:
        self._array: Array = np.empty(_FIRST, dtype=kind)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def array(self) -> Array:
        """All numbers; what is written into it is kept."""
        return self._array[: self._size]

    @property
    def memory(self) -> int:
        """The memory that it takes."""
        return self._array.nbytes

    def extend(self, values: Array | Sequence[Any]) -> None:
        """Add numbers at the end."""
        size = self._size + len(values)
        if size > len(self._array):
            grown = np.empty(max(size, len(self._array) * 3 // 2), dtype=self._array.dtype)
            grown[: self._size] = self.array
            self._array = grown
        self._array[self._size : size] = values
        self._size = size

    def __setitem__(self, position: int, value: Any) -> None:
        self._array[position] = value

    def keep(self, positions: Array) -> None:
        """Keep the numbers at these positions, in this order."""
        self._array = self.array[positions]
        self._size = len(positions)


class OwnedRows:
    """Rows of several columns, each of one customer. A row that is none any more is not ``alive``."""

    def __init__(self, **kinds: npt.DTypeLike) -> None:
        self._owners = GrowingColumn(np.int32)
        self._alive = GrowingColumn(np.bool_)
        self._columns = {name: GrowingColumn(kind) for name, kind in kinds.items()}
        self._ordered = 0  # so many rows from the first are in the order of their owners
        self._loose: dict[int, list[int]] = {}  # positions of the others, by owner
        self._dead = 0

    def __len__(self) -> int:
        return len(self._owners)

    def __getitem__(self, name: str) -> Array:
        """A column, by position."""
        return self._columns[name].array

    @property
    def owners(self) -> Array:
        """The customers, by position."""
        return self._owners.array

    @property
    def alive(self) -> Mask:
        """Which rows there are."""
        return self._alive.array

    @property
    def living(self) -> int:
        """How many rows there are."""
        return len(self) - self._dead

    @property
    def memory(self) -> int:
        """The memory that it takes."""
        return sum(one.memory for one in (self._owners, self._alive, *self._columns.values()))

    def append(self, owners: Sequence[int] | Array, values: Mapping[str, Sequence[Any] | Array]) -> None:
        """Add rows at the end: of customers that have none yet, in the order of their numbers."""
        begin = len(self)
        if self._ordered == begin:
            self._ordered += len(owners)
        else:
            for position, owner in enumerate(owners, begin):
                self._loose.setdefault(int(owner), []).append(position)
        self._owners.extend(owners)
        self._alive.extend(np.ones(len(owners), dtype=np.bool_))
        for name, column in self._columns.items():
            column.extend(values[name])

    def replace(self, owner: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make these the rows of a customer; each has a value for every column."""
        places = self.positions(owner)
        for place, row in zip(places, rows, strict=False):
            self._dead -= not self._alive.array[place]
            self._alive[place] = True
            for column, value in zip(self._columns.values(), row, strict=True):
                column[place] = value
        for place in places[len(rows) :]:
            self._dead += bool(self._alive.array[place])
            self._alive[place] = False
        if len(rows) > len(places):
            self._add(owner, rows[len(places) :])

    def positions(self, owner: int) -> list[int]:
        """Where the rows of a customer are, those that are none any more too."""
        ordered, sought = self.owners[: self._ordered], np.int32(owner)  # of another type it would copy all owners
        first, last = ordered.searchsorted(sought, "left"), ordered.searchsorted(sought, "right")
        return [*range(int(first), int(last)), *self._loose.get(owner, ())]

    def places(self, owners: Sequence[int]) -> Array:
        """Where rows of customers are, given the owner of each; those of one customer one after another."""
        given = np.asarray(owners, dtype=np.int32)
        starts = np.flatnonzero(np.r_[True, given[1:] != given[:-1]]) if len(given) else given
        lengths = np.diff(np.r_[starts, len(given)])
        first = np.searchsorted(self.owners[: self._ordered], given[starts])
        places = np.repeat(first - starts, lengths) + np.arange(len(given))
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            if (owner := owners[start]) in self._loose:
                places[start : start + length] = self.positions(owner)[:length]
        return places

    def values(self, owner: int, name: str) -> list[Any]:
        """What the rows of a customer have in a column."""
        column, alive = self[name], self.alive
        return [column[place].item() for place in self.positions(owner) if alive[place]]

    def _add(self, owner: int, rows: Sequence[tuple[Any, ...]]) -> None:
        begin = len(self)
        self._loose.setdefault(owner, []).extend(range(begin, begin + len(rows)))
        self._owners.extend([owner] * len(rows))
        self._alive.extend([True] * len(rows))
        for at, column in enumerate(self._columns.values()):
            column.extend([row[at] for row in rows])
        if len(self) - self._ordered > max(_MOST_LOOSE, self._ordered // 8):
            self._put_in_order()

    def _put_in_order(self) -> None:
        living = np.flatnonzero(self.alive)
        positions = living[np.argsort(self.owners[living], kind="stable")]
        for column in (self._owners, self._alive, *self._columns.values()):
            column.keep(positions)
        self._ordered, self._dead = len(positions), 0
        self._loose.clear()


def bitmap_of(numbers: Array) -> BitMap:
    """The set of these numbers, which are faster to take in in their order."""
    return BitMap(array("I", np.ascontiguousarray(numbers, dtype=np.uint32).tobytes()))


def numbers_in(found: BitMap) -> Array:
    """The numbers of a set, in their order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32).astype(np.intp)


def mask_of(found: BitMap, size: int) -> Mask:
    """Which of so many numbers are in a set."""
    mask = np.zeros(size, dtype=np.bool_)
    mask[numbers_in(found)] = True
    return mask


def groups_of(keys: Array, numbers: Array) -> Iterator[tuple[int, Array]]:
    """The numbers of each key, in their order."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    bounds = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(keys)]
    for start, end in pairwise(bounds):
        yield int(ordered[start]), numbers[order[start:end]]
