"""Ranges of an attribute's numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.number_ranges import number_ranges

WHOLE = st.lists(st.integers(-(10**9), 10**11), min_size=7, unique=True)


@given(WHOLE)
def test_each_number_is_in_one_range(numbers: list[int]) -> None:
    ranges = number_ranges([str(one) for one in numbers])
    for number in numbers if ranges else []:
        fits = [(least is None or number >= least) and (most is None or number <= most) for least, most in ranges]
        assert fits.count(True) == 1
    assert len(ranges) <= 5


def test_amounts_have_round_ranges_that_reach_to_the_largest() -> None:
    amounts = ["120", "450", "980", "1200.0", "4300", "7000", "12800"]
    assert [tuple(one) for one in number_ranges(amounts)] == [
        (None, 499), (500, 999), (1000, 4999), (5000, 9999), (10000, None),
    ]  # fmt: skip
    assert [one.condition("spent") for one in number_ranges(amounts)][1:3] == [
        {"attribute": "spent", "between": [500, 999]},
        {"attribute": "spent", "between": [1000, 4999]},
    ]


@pytest.mark.parametrize("values", [["1", "2", "3"], ["1.5", *map(str, range(9))], ["true", *map(str, range(9))], []])
def test_few_values_and_others_than_whole_numbers_have_none(values: list[str]) -> None:
    assert number_ranges(values) == []
