"""Ranges for an attribute of numbers such as amounts, of which each value alone says little (pure)."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import orjson

from services.console.core.filter_tree import ConditionTree
from services.console.core.words import LocalWords

_FEW: Final = 6  # so many different values are shown one by one
_MOST_BOUNDS: Final = 4
_LARGEST: Final = 10**12


class NumberRange(NamedTuple):
    """Whole numbers from ``least`` to ``most``, both included; without one of them the range is open there."""

    least: int | None
    most: int | None

    def condition(self, key: str) -> ConditionTree:
        """The condition that an attribute is within it."""
        if self.least is None:
            return {"attribute": key, "lte": self.most}
        if self.most is None:
            return {"attribute": key, "gte": self.least}
        return {"attribute": key, "between": [self.least, self.most]}

    def text(self, words: LocalWords) -> str:
        """What people read."""
        if self.least is None:
            return f"≤ {words.number(self.most or 0)}"
        if self.most is None:
            return f"≥ {words.number(self.least)}"
        return f"{words.number(self.least)}\u2013{words.number(self.most)}"


def number_ranges(values: Sequence[str]) -> list[NumberRange]:
    """Up to five ranges, at 1 or 5 times a power of ten; none for few values, or where not all are whole."""
    numbers = [number for one in values if (number := _whole(one)) is not None]
    if len(values) <= _FEW or len(numbers) < len(values):
        return []
    bounds = [one for one in _round_numbers(max(numbers)) if one > min(numbers)][-_MOST_BOUNDS:]
    edges: list[int | None] = [None, *bounds, None]
    return [NumberRange(least, None if end is None else end - 1) for least, end in pairwise(edges)] if bounds else []


def _round_numbers(most: int) -> Iterable[int]:
    ten = 1
    while ten <= most:
        yield from (one for one in (ten, 5 * ten) if one <= most)
        ten *= 10


def _whole(text: str) -> int | None:
    try:
        number = orjson.loads(text) if len(text) <= len(str(_LARGEST)) else None
    except orjson.JSONDecodeError:
        return None
    whole = isinstance(number, int | float) and not isinstance(number, bool) and number == int(number)
    return int(number) if whole and number is not None else None
