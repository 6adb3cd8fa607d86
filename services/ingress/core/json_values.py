"""A limit for the number of values in a body of JSON: parsing can't be interrupted, and its time goes by values."""

from typing import Final

# Events of twenty bytes a value are far under it, with as many bytes as a body may have.
MOST_VALUES: Final = 300_000
_BEFORE_A_VALUE: Final = (b",", b"[", b"{")


def has_too_many_values(raw: bytes) -> bool:
    """Whether a body may hold more values than are parsed at once; a comma inside a text counts, too."""
    return len(raw) > MOST_VALUES and sum(map(raw.count, _BEFORE_A_VALUE)) > MOST_VALUES
