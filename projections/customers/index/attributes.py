"""The values of one attribute, by customer (pure)."""

from collections import Counter
from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any, Final

import numpy as np
from pyroaring import BitMap

from projections.customers.index.coding import NONE, Coded
from projections.customers.index.columns import Array, Mask, OwnedRows
from projections.customers.search.operators import Scalar, ValueTest, value_holds
from projections.customers.terms import LONGEST
from projections.customers.value_counts import key_of_value

MOST_DIFFERENT: Final = 65_536  # values of one attribute
_BOUNDS: Final[dict[str, Callable[[Array, float], Mask]]] = {
    "eq": np.equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}
_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {"eq": eq, "gt": gt, "gte": ge, "lt": lt, "lte": le}


class ValuesHeld:
    """Which customers have which value of an attribute.

    An attribute is ``too_wide`` where it has very many different values, or long texts: then nothing is kept of it.
    """

    def __init__(self) -> None:
        self._rows = OwnedRows(code=np.int32)
        self._coded = Coded()
        self._uses = Counter[int]()  # how many customers have a value, by its code
        self._numbers: Array = np.empty(0)  # as of a version of the codes
        self._inexact: list[int] = []
        self._version = -1
        self.customers = BitMap()  # that have a value
        self.too_wide = False

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        return self._rows.memory + 2 * len(self.customers) + 200 * len(self._coded)

    def append(self, owners: Sequence[int], values: Sequence[Scalar]) -> None:
        """Values of customers that had none, in the order of their numbers."""
        self.customers |= BitMap(owners)
        codes = [self._code(value) for value in values]
        if not self.too_wide:
            self._rows.append(owners, {"code": codes})
            self._uses.update(codes)

    def replace(self, owner: int, value: Scalar) -> None:
        """The value of a customer."""
        self.customers.add(owner)
        code = self._code(value)
        if not self.too_wide:
            self._uses[code] += 1
            self._put(owner, [(code,)])

    def remove(self, owner: int) -> None:
        """A customer has no value any more."""
        self.customers.remove(owner)
        if not self.too_wide:
            self._put(owner, ())

    def _put(self, owner: int, rows: Sequence[tuple[int]]) -> None:
        """Put rows in the place of those of a customer, and forget a value that nobody has any more."""
        former = self._rows.values(owner, "code")
        self._rows.replace(owner, rows)
        for code in former:
            self._uses[code] -= 1
            if not self._uses[code]:
                self._coded.forget(code)

    def owners(self, test: ValueTest) -> Array:
        """The customers whose value fulfils a test that no missing value does."""
        holds = self._where(test)
        return self._rows.owners[holds[self._rows["code"]] & self._rows.alive]

    def counts(self, among: Mask) -> dict[str, int]:
        """How many of some customers have each value, by its text."""
        chosen = among[self._rows.owners] & self._rows.alive
        numbers = np.bincount(self._rows["code"][chosen], minlength=len(self._coded))
        found: dict[str, int] = {}
        for value, number in zip(self._coded, numbers.tolist(), strict=True):
            if number:
                text, _ = key_of_value(value)
                found[text] = found.get(text, 0) + number
        return found

    def _code(self, value: Scalar) -> int:
        if self.too_wide:
            return NONE
        code = self._coded.code(value)
        if len(self._coded) > MOST_DIFFERENT or (isinstance(value, str) and len(value) > LONGEST):
            self.too_wide = True
            self._rows, self._coded = OwnedRows(code=np.int32), Coded()
            self._uses.clear()
        return code

    def _where(self, test: ValueTest) -> Mask:
        """For which codes the test holds."""
        asked = {name: value for name, value in test.operators().items() if name != "set"}
        if asked and asked.keys() <= _BOUNDS.keys() and all(map(_is_plain, asked.values())):
            return self._where_numbers(asked)
        listed = asked["in_"] if asked.keys() == {"in_"} else [asked["eq"]] if asked.keys() == {"eq"} else None
        if isinstance(listed, list) and not any(map(_is_number, listed)):
            holds = np.zeros(len(self._coded) + 1, dtype=np.bool_)
            holds[[self._coded.known(one) for one in listed]] = True
            holds[NONE] = False
            return holds
        return self._coded.where(lambda value: value_holds(test, value))

    def _where_numbers(self, bounds: dict[str, Any]) -> Mask:
        numbers = self._as_numbers()
        holds = ~np.isnan(numbers)
        for name, bound in bounds.items():
            holds &= _BOUNDS[name](numbers, float(bound))
        for code in self._inexact:
            holds[code] = all(_HOLDS[name](self._coded.value(code), bound) for name, bound in bounds.items())
        return holds

    def _as_numbers(self) -> Array:
        """The values by code, nan for what is no number; the last place is that of no value."""
        if self._version != self._coded.version:
            self._version = self._coded.version
            self._numbers = np.array([*map(_as_number, self._coded), np.nan])
            self._inexact = [
                code for code, value in enumerate(self._coded) if _is_number(value) and not _is_plain(value)
            ]
        return self._numbers


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    """Whether it is a number that a column of numbers has exactly."""
    return _is_number(value) and float(value) == value


def _as_number(value: Any) -> float:
    return float(value) if _is_plain(value) else np.nan
