"""What conditions ask of columns of numbers and times (pure)."""

from collections.abc import Callable
from typing import Final

import numpy as np

from projections.customers.index.columns import MISSING, Array, Mask
from projections.customers.search.operators import NumberTest, TimeTest
from projections.customers.search.times import moment_of

_COMPARED: Final[dict[str, Callable[[Array, int], Mask]]] = {
    "eq": np.equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}


def number_mask(test: NumberTest, numbers: Array) -> Mask:
    """Which numbers fulfil the test."""
    holds = np.ones(len(numbers), dtype=np.bool_)
    for name, bound in test.operators().items():
        if isinstance(bound, int):
            holds &= _COMPARED[name](numbers, bound)
    return holds


def time_mask(test: TimeTest, times: Array, now: int) -> Mask:
    """Which times fulfil the test at the moment ``now``."""
    holds: Mask = times == MISSING
    if test.set is False:
        return holds
    holds = times >= moment_of(test.since, now) if test.since is not None else times != MISSING
    if test.before is not None:
        holds &= times < moment_of(test.before, now)
    return holds
