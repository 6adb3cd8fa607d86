"""At which pace a rebuild works beside the service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rebuild.core.pacing import (
    FLOOR,
    FULL,
    AnswerTimes,
    BadShare,
    ServiceLoad,
    WorkersLag,
    next_pace,
    share_of,
)

PACES = st.floats(FLOOR, FULL)
BEHIND = st.floats(0, 1e6)
SLOWED = st.floats(1, 1e6)
LOADS = st.builds(ServiceLoad, st.booleans(), BEHIND, SLOWED)
IDLE = ServiceLoad(in_use=False)


@given(PACES, st.lists(LOADS))
def test_a_rebuild_always_goes_on_and_never_works_more_than_all_the_time(pace: float, loads: list[ServiceLoad]) -> None:
    for load in loads:
        pace = next_pace(pace, load)
        assert FLOOR <= pace <= FULL


@given(PACES, BEHIND, SLOWED)
def test_a_rebuild_works_all_the_time_soon_after_nobody_uses_the_service(
    pace: float, behind: float, slowed: float
) -> None:
    for _ in range(5):
        pace = next_pace(pace, ServiceLoad(in_use=False, seconds_behind=behind, slowed=slowed))
    assert pace == FULL


@given(PACES, BEHIND.filter(lambda behind: behind > 1), SLOWED)
def test_a_rebuild_rests_most_of_the_time_soon_after_the_service_falls_behind(
    pace: float, behind: float, slowed: float
) -> None:
    for _ in range(5):
        pace = next_pace(pace, ServiceLoad(in_use=True, seconds_behind=behind, slowed=slowed))
    assert pace == FLOOR


@given(PACES, BEHIND, SLOWED)
def test_a_rebuild_rests_most_of_the_time_soon_after_answers_take_long(
    pace: float, behind: float, slowed: float
) -> None:
    for _ in range(5):
        pace = next_pace(pace, ServiceLoad(in_use=True, seconds_behind=behind, slowed=2 * slowed))
    assert pace == FLOOR


@given(PACES)
def test_the_pace_rises_step_by_step_while_the_service_is_as_fast_as_at_best(pace: float) -> None:
    after = next_pace(pace, ServiceLoad(in_use=True))
    assert after == FULL or pace < after < pace + 0.1


@given(PACES, BEHIND, BEHIND, SLOWED, SLOWED)
def test_more_load_never_gives_a_higher_pace(pace: float, one: float, other: float, here: float, there: float) -> None:
    less = ServiceLoad(in_use=True, seconds_behind=min(one, other), slowed=min(here, there))
    more = ServiceLoad(in_use=True, seconds_behind=max(one, other), slowed=max(here, there))
    assert next_pace(pace, more) <= next_pace(pace, less) <= next_pace(pace, IDLE)


def test_answers_are_compared_with_the_best_of_the_last_minutes() -> None:
    answers = AnswerTimes(remembered=3)
    assert [answers.note([time]) for time in (2.0, 1.0, 3.0, 3.0, 3.0)] == [1.0, 1.0, 3.0, 3.0, 1.0]


@given(st.lists(st.lists(st.floats(1e-6, 10), min_size=1), min_size=1))
def test_answers_never_take_less_than_at_best(looks: list[list[float]]) -> None:
    answers = AnswerTimes()
    assert all(answers.note(one) >= 1 for one in looks)


def test_the_lag_is_what_is_left_at_the_rate_of_the_last_moment() -> None:
    lag = WorkersLag(looks=3)
    assert lag.note(0, 0, 500) is None
    assert lag.note(2, 200, 500) == 5
    assert lag.note(4, 200, 500) == 10
    assert lag.note(6, 200, 500) is None  # they fold nothing, so nobody has to give way to them
    assert lag.note(7, 300, 0) == 0


@pytest.mark.parametrize(("text", "share"), [("25%", 0.25), ("100", 1.0), (" 1 % ", 0.01), (None, None)])
def test_a_share_is_written_as_a_percentage(text: str | None, share: float | None) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["", "0", "0.5%", "101%", "nan", "half", "-5%"])
def test_what_is_not_a_percentage_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadShare, match="is not a percentage from 1% to 100%"):
        share_of(text)
