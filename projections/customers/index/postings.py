"""Which customers have a term, by its id: a bitmap of each (pure)."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import numpy as np
from pyroaring import BitMap

from projections.customers.index.columns import Array, GrowingColumn, bitmap_of, groups_of

_HEADER: Final = 20  # bytes of an array before its elements
_ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">i8")])  # as PostgreSQL sends it
_NOBODY: Final = BitMap()


class Postings:
    """Sets of customers by the id of what they have. Arrays of ids are taken as PostgreSQL sends them."""

    def __init__(self) -> None:
        self._customers: dict[int, BitMap] = {}
        self._hashes = GrowingColumn(np.int64)  # of each customer's array, to see whether it is another one

    def __getitem__(self, one: int) -> BitMap:
        """Those that have it. It is not to be changed."""
        return self._customers.get(one, _NOBODY)

    @property
    def ids(self) -> Collection[int]:
        """What any customer has."""
        return self._customers.keys()

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        return self._hashes.memory + sum(100 + 2 * len(one) for one in self._customers.values())

    def add(self, numbers: range, arrays: Sequence[bytes]) -> None:
        """What customers have that are new."""
        self._hashes.extend([*map(hash, arrays)])
        self._add(numbers, arrays)

    def replace(self, numbers: Sequence[int], arrays: Sequence[bytes]) -> list[int]:
        """What customers have now. Returns what nobody has any more."""
        hashes = self._hashes.array
        changed = {number: one for number, one in zip(numbers, arrays, strict=True) if hashes[number] != hash(one)}
        if not changed:
            return []
        former = BitMap(changed)
        touched = [one for one, customers in self._customers.items() if customers.intersect(former)]
        for one in touched:
            self._customers[one] -= former
        for number, array in changed.items():
            hashes[number] = hash(array)
        self._add([*changed], [*changed.values()])
        gone = [one for one in touched if not self._customers[one]]
        for one in gone:
            del self._customers[one]
        return gone

    def _add(self, numbers: Iterable[int], arrays: Sequence[bytes]) -> None:
        ids = _elements(arrays)
        owners = np.repeat(np.fromiter(numbers, dtype=np.uint32), [_length(one) for one in arrays])
        for one, customers in groups_of(ids, owners):
            if one in self._customers:
                self._customers[one] |= bitmap_of(customers)
            else:
                self._customers[one] = bitmap_of(customers)


def _length(array: bytes) -> int:
    return max(0, len(array) - _HEADER) // _ELEMENT.itemsize


def _elements(arrays: Sequence[bytes]) -> Array:
    """The elements of all arrays, one after another."""
    found: Array = np.frombuffer(b"".join(one[_HEADER:] for one in arrays), dtype=_ELEMENT)["value"]
    return found.astype(np.int64)
