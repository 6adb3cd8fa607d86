"""The composer gives way to contacts that are behind, and does not wait for the end of a long backlog."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.core.composing_pace import LARGE, SMALL, pace_of


def test_while_contacts_are_current_the_composer_takes_at_most_a_third_of_the_time() -> None:
    pace = pace_of(contacts_behind=0.5, rows_behind=1)
    assert pace.size == SMALL
    assert pace.rest_after(0.01, least=0.05) == 0.05
    assert pace.rest_after(2, least=0.05) == 4


def test_what_is_left_of_a_backlog_is_taken_in_large_turns_with_short_rests() -> None:
    pace = pace_of(contacts_behind=0, rows_behind=10)
    assert pace.size == LARGE
    assert pace.rest_after(5, least=0.05) == 1
    assert pace.rest_after(0.01, least=0.05) == 0.05


@given(worked=st.floats(0, 60), rows_behind=st.floats(0, 100))
def test_rests_are_never_shorter_while_contacts_are_behind(worked: float, rows_behind: float) -> None:
    waiting, current = pace_of(5, rows_behind), pace_of(0, rows_behind)
    assert waiting.rest_after(worked, least=0.05) >= min(current.rest_after(worked, least=0.05), 10)


@pytest.mark.parametrize("worked", [0, 1, 60])
def test_while_contacts_are_behind_it_takes_few_and_large_turns(worked: float) -> None:
    pace = pace_of(contacts_behind=5, rows_behind=10)
    assert pace.size == LARGE
    assert pace.rest_after(worked, least=0.05) == 20


def test_rows_that_are_late_end_giving_way() -> None:
    pace = pace_of(contacts_behind=5, rows_behind=31)
    assert pace.size == LARGE
    assert pace.rest_after(1, least=0.05) == 1
