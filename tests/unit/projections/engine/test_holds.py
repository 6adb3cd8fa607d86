"""A hold limits the topics that it lists, and lets the generation that is built come no further than the other one."""

from hypothesis import given
from hypothesis import strategies as st

from projections.engine.holds import ahead, allows, furthest

VECTORS = st.dictionaries(st.integers(0, 3), st.integers(0, 5))


def test_a_partition_that_a_held_topic_does_not_list_stands_at_its_first_record() -> None:
    hold = {"log": {0: 7}}
    assert [allows(hold, "log", 0), allows(hold, "log", 1), allows(hold, "evidence", 0)] == [7, 0, None]
    assert allows(None, "log", 0) is None


@given(VECTORS, VECTORS)
def test_the_furthest_is_the_least_that_is_ahead_of_both(one: dict[int, int], other: dict[int, int]) -> None:
    both = furthest(one, other)
    assert ahead(both, one)
    assert ahead(both, other)
    assert all(offset in {one.get(place), other.get(place)} for place, offset in both.items())


@given(VECTORS, VECTORS)
def test_two_that_are_ahead_of_each_other_stand_at_the_same_offsets(one: dict[int, int], other: dict[int, int]) -> None:
    same = all(one.get(place, 0) == other.get(place, 0) for place in one.keys() | other.keys())
    assert (ahead(one, other) and ahead(other, one)) == same
