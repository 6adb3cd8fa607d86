"""A limit for the number of values in a body of JSON: parsing can't be interrupted, and its time goes by values."""

from collections.abc import Mapping
from typing import Any, Final

# Events of twenty bytes a value are far under it, with as many bytes as a body may have.
MOST_VALUES: Final = 300_000
# Validation costs more than parsing, and of one record it can't be interrupted, either.
MOST_OF_RECORD: Final = 10_000
_BEFORE_A_VALUE: Final = (b",", b"[", b"{")


def has_too_many_values(raw: bytes, most: int = MOST_VALUES) -> bool:
    """Whether a body may hold more values than ``most``; a comma inside a text counts, too."""
    return len(raw) > most and sum(map(raw.count, _BEFORE_A_VALUE)) > most


def is_too_large_a_record(value: Any) -> bool:
    """Whether a parsed record holds more values than are validated at once."""
    left, waiting = MOST_OF_RECORD, [value]
    while waiting and left >= 0:
        one = waiting.pop()
        if isinstance(one, Mapping | list):
            left -= len(one)
            waiting.extend(one.values() if isinstance(one, Mapping) else one)
    return left < 0
