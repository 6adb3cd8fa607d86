"""What a condition asks of a value: operators, all of which must hold for one value (pure).

A value that is missing fulfils ``{"set": false}`` and nothing else.
"""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from projections.customers.search.times import FilterTime, moment_of
from schemas.events.base import Frozen

MOST_LISTED: Final = 10_000  # values in one list
_MOST_CHARACTERS: Final = 1000
_LARGEST: Final = 2**31 - 1
_STORABLE: Final = r"^[^\x00]*$"

Words = Annotated[str, StringConstraints(min_length=1, max_length=_MOST_CHARACTERS, pattern=_STORABLE)]
Number = Annotated[int, Field(ge=0, le=_LARGEST)]
Comparable = Annotated[int, Field(ge=-(2**63), lt=2**64)] | float | Words
Scalar = bool | Comparable
Listed = Annotated[list[Words], Field(min_length=1, max_length=MOST_LISTED)]
ScalarList = Annotated[list[Scalar], Field(min_length=1, max_length=MOST_LISTED)]


class Operators(Frozen):
    """Operators on one value: at least one, and ``set: false`` only alone."""

    model_config = ConfigDict(serialize_by_alias=True)

    @model_validator(mode="after")
    def asks_something(self) -> Self:
        """To ask nothing is a mistake, and so is to ask something of a value that is not there."""
        given = self.operators()
        if not given:
            raise ValueError("at least one operator is needed")
        if given.get("set") is False and len(given) > 1:
            raise ValueError("`set: false` stands alone")
        return self

    def operators(self) -> dict[str, object]:
        """The operators that are given, by name."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields if name != "attribute")
        return {name: value for name, value in values if value is not None}


class TextTest(Operators):
    """Of a text: equal, one of several, how it begins, what it contains, whether there is one."""

    eq: Words | None = None
    in_: Annotated[Listed | None, Field(alias="in")] = None
    starts: Words | None = None
    contains: Words | None = None
    set: bool | None = None


class NumberTest(Operators):
    """Of a number."""

    eq: Number | None = None
    gt: Number | None = None
    gte: Number | None = None
    lt: Number | None = None
    lte: Number | None = None


class TimeTest(Operators):
    """Of a time: not before, before, whether there is one."""

    since: FilterTime | None = None
    before: FilterTime | None = None
    set: bool | None = None


class ValueTest(Operators):
    """Of an attribute's value. Numbers compare with numbers only, and texts, dates too, with texts, by code point."""

    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: Annotated[ScalarList | None, Field(alias="in")] = None
    gt: Comparable | None = None
    gte: Comparable | None = None
    lt: Comparable | None = None
    lte: Comparable | None = None
    between: Annotated[
        list[Comparable] | None, Field(min_length=2, max_length=2, description="both ends are included")
    ] = None
    contains: Words | None = None
    set: bool | None = None


def text_holds(test: TextTest, value: str | None) -> bool:
    """Whether the text fulfils the test."""
    if value is None:
        return test.set is False
    return (
        test.set is not False
        and (test.eq is None or value == test.eq)
        and (test.in_ is None or value in test.in_)
        and (test.starts is None or value.startswith(test.starts))
        and (test.contains is None or test.contains in value)
    )


def number_holds(test: NumberTest, value: int) -> bool:
    """Whether the number fulfils the test."""
    return (
        (test.eq is None or value == test.eq)
        and (test.gt is None or value > test.gt)
        and (test.gte is None or value >= test.gte)
        and (test.lt is None or value < test.lt)
        and (test.lte is None or value <= test.lte)
    )


def time_holds(test: TimeTest, value: int | None, now: int) -> bool:
    """Whether the time, in ms, fulfils the test at the moment ``now``."""
    if value is None:
        return test.set is False
    return (
        test.set is not False
        and (test.since is None or value >= moment_of(test.since, now))
        and (test.before is None or value < moment_of(test.before, now))
    )


def value_holds(test: ValueTest, value: Scalar | None) -> bool:
    """Whether the attribute's value fulfils the test."""
    if value is None:
        return test.set is False
    low, high = test.between or (None, None)
    return (
        test.set is not False
        and (test.eq is None or _equal(value, test.eq))
        and (test.ne is None or not _equal(value, test.ne))
        and (test.in_ is None or any(_equal(value, one) for one in test.in_))
        and (test.gt is None or _less(test.gt, value))
        and (test.gte is None or _at_most(test.gte, value))
        and (test.lt is None or _less(value, test.lt))
        and (test.lte is None or _at_most(value, test.lte))
        and (low is None or _at_most(low, value))
        and (high is None or _at_most(value, high))
        and (test.contains is None or (isinstance(value, str) and test.contains in value))
    )


def kind_of(value: Scalar) -> str:
    """The JSON type of a value: a flag is no number."""
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _equal(one: Scalar, other: Scalar) -> bool:
    return kind_of(one) == kind_of(other) and one == other


def _less(one: Scalar, other: Scalar) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    if isinstance(one, str | bool) or isinstance(other, str | bool):
        return False
    return one < other


def _at_most(one: Scalar, other: Scalar) -> bool:
    return _less(one, other) or (not isinstance(one, bool) and _equal(one, other))
