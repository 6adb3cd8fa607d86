"""Which uids of a file were met already, in 16 bytes or so each: a set of Python would take some 100 (pure)."""

from array import array
from typing import Final

_FIRST: Final = 1 << 10  # places; a power of two


class SeenUids:
    """A hash table with open addressing of the hashes of texts. Two texts of one hash, 1 of 2 ** 64, count as one."""

    def __init__(self) -> None:
        self._places = _empty(_FIRST)
        self._count = 0

    def add(self, uid: str) -> bool:
        """Whether it was not met before."""
        if 2 * self._count >= len(self._places):
            former, self._places, self._count = self._places, _empty(2 * len(self._places)), 0
            for value in former:
                if value:
                    self._put(value)
        return self._put(hash(uid) or 1)  # 0 is an empty place

    def _put(self, value: int) -> bool:
        places = self._places
        mask = len(places) - 1
        at = value & mask
        while found := places[at]:
            if found == value:
                return False
            at = (at + 1) & mask
        places[at] = value
        self._count += 1
        return True


def _empty(places: int) -> "array[int]":
    return array("q", bytes(8 * places))
