"""Values as small numbers, so that a condition is tried once for each value and not once for each customer (pure)."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

import numpy as np

from projections.customers.index.columns import Mask

NONE: Final = -1  # the code of no value


class Coded:
    """Different values, each with a code. A value and its type belong together: 1 is not 1.0, nor true."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._codes: dict[tuple[type, Hashable], int] = {}
        self._free: list[int] = []
        self.version = 0  # another one with every change of a code

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        """The values, in the order of their codes; None for a code that is free."""
        return iter(self._values)

    def value(self, code: int) -> Any:
        """The value of a code."""
        return self._values[code]

    def code(self, value: Hashable) -> int:
        """The code of a value, which may be a new one."""
        if value is None:
            return NONE
        key = (value.__class__, value)
        found = self._codes.get(key)
        return self._add(key) if found is None else found

    def _add(self, key: tuple[type, Hashable]) -> int:
        self.version += 1
        if not self._free:
            self._free.append(len(self._values))
            self._values.append(None)
        code = self._codes[key] = self._free.pop()
        self._values[code] = key[1]
        return code

    def forget(self, code: int) -> None:
        """A value is nobody's any more: it may have been that of somebody who was erased."""
        self.version += 1
        value = self._values[code]
        del self._codes[(value.__class__, value)]
        self._values[code] = None
        self._free.append(code)

    def known(self, value: Hashable) -> int:
        """The code of a value if it has one, else that of no value."""
        return self._codes.get((value.__class__, value), NONE)

    def where(self, holds: Callable[[Any], bool]) -> Mask:
        """For which codes a condition on the value holds; the last place is that of no value."""
        return np.array([*map(holds, self._values), holds(None)], dtype=np.bool_)
