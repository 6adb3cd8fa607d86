"""In which order tests run, so that in the end no worker waits for another one that still has long tests."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import TypeVar

Test = TypeVar("Test")


def long_ones_first(long: Sequence[Sequence[Test]], short: Sequence[Test], workers: int) -> list[Test]:
    """Return all tests in such an order that each worker starts with some of the long ones.

    xdist gives each worker an equal part of the list; later it moves tests from the end of one part to others. The
    long tests are given by their files, which are kept whole.
    """
    rest = iter(short)
    left = len(short) + sum(map(len, long))
    ordered: list[Test] = []
    for number in range(workers):
        first = list(chain.from_iterable(long[number::workers]))
        size = max(len(first), left // (workers - number))
        ordered += [*first, *islice(rest, size - len(first))]
        left -= size
    return ordered
