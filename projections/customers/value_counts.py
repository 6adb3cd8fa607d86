"""Which values of attributes, and which ends of tags, customers are counted by (pure).

How many customers have a tag at a moment depends on that moment. So the ends of tags are counted: those that have
passed are taken off the number of all whom the tag was ever put on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from projections.customers.terms import LONGEST

KeyCounter = Counter[tuple[Any, ...]]


class Facts(NamedTuple):
    """The attributes and tags of a customer's row, as JSON."""

    attributes: str
    tags: str


class ValueCounts(NamedTuple):
    """How many customers have a value of an attribute, by (key, text, kind); and an end of a tag, by (tag, end)."""

    values: KeyCounter
    ends: KeyCounter

    def less(self, other: "ValueCounts") -> "ValueCounts":
        """The differences that are not 0."""
        return ValueCounts(_less(self.values, other.values), _less(self.ends, other.ends))


def value_counts(customers: Iterable[Facts]) -> ValueCounts:
    """What so many customers add up to."""
    values, ends = KeyCounter(), KeyCounter()
    for one in customers:
        values.update(_values(orjson.loads(one.attributes)))
        ends.update(_ends(orjson.loads(one.tags)))
    return ValueCounts(values, ends)


def key_of_value(value: Any) -> tuple[str, str]:
    """The text by which a value is listed, as PostgreSQL writes it, and its kind; `value_of` reads them."""
    if isinstance(value, str):
        return value, "string"
    if isinstance(value, float):
        return f"{Decimal(repr(value + 0.0)):f}", "number"  # without an exponent; there is but one zero
    return orjson.dumps(value).decode(), "boolean" if isinstance(value, bool) else "number"


def value_of(text: str, kind: str) -> Any:
    """The value with this text and kind."""
    return text if kind == "string" else orjson.loads(text)


def _values(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of each attribute its value, but for long ones: nobody chooses them from a list."""
    for key, (_, value, _) in attributes.items():
        text, kind = key_of_value(value)
        if len(text) <= LONGEST:
            yield key, text, kind


def _ends(tags: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Of each tag that will have run out the latest end; but for long ones, which others may share a term with."""
    for tag, parts in tags.items():
        ends = [end for _, _, end in parts]
        if None not in ends and len(tag) < LONGEST:
            yield tag, max(ends)


def _less(these: KeyCounter, others: KeyCounter) -> KeyCounter:
    found = KeyCounter(these)
    found.subtract(others)
    return KeyCounter({key: number for key, number in found.items() if number})
