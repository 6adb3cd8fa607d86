"""At which pace a rebuild works beside the service."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.rebuild.core.pacing import (
    FLOOR,
    FULL,
    LOOKS_A_SECOND,
    MOST,
    START,
    AnswerTimes,
    BadShare,
    ReadsSeen,
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
    for _ in range(5 * LOOKS_A_SECOND):
        pace = next_pace(pace, ServiceLoad(in_use=False, seconds_behind=behind, slowed=slowed))
    assert pace == FULL


@given(PACES, BEHIND.filter(lambda behind: behind > 1), SLOWED)
def test_a_rebuild_rests_most_of_the_time_once_the_service_falls_behind(
    pace: float, behind: float, slowed: float
) -> None:
    assert next_pace(pace, ServiceLoad(in_use=True, seconds_behind=behind, slowed=slowed)) == FLOOR


@given(PACES, BEHIND, SLOWED)
def test_a_rebuild_rests_most_of_the_time_soon_after_answers_take_long(
    pace: float, behind: float, slowed: float
) -> None:
    for _ in range(5 * LOOKS_A_SECOND):
        pace = next_pace(pace, ServiceLoad(in_use=True, seconds_behind=behind, slowed=2 * slowed))
    assert pace == FLOOR


@given(PACES)
def test_the_pace_rises_step_by_step_while_the_service_is_as_fast_as_at_best(pace: float) -> None:
    after = next_pace(pace, ServiceLoad(in_use=True))
    assert after <= START + 0.1 if pace > MOST else after == MOST or pace < after < pace + 0.1, after


@given(PACES, BEHIND, BEHIND, SLOWED, SLOWED)
def test_more_load_never_gives_a_higher_pace(pace: float, one: float, other: float, here: float, there: float) -> None:
    less = ServiceLoad(in_use=True, seconds_behind=min(one, other), slowed=min(here, there))
    more = ServiceLoad(in_use=True, seconds_behind=max(one, other), slowed=max(here, there))
    assert next_pace(pace, more) <= next_pace(pace, less) <= next_pace(pace, IDLE)


def test_answers_are_compared_with_the_best_of_the_last_minutes() -> None:
    answers = AnswerTimes(remembered=3, answers=1)
    assert [answers.note([time]) for time in (2.0, 1.0, 3.0, 3.0, 3.0)] == [1.0, 1.0, 3.0, 3.0, 1.0]


@given(st.lists(st.lists(st.floats(1e-6, 10), min_size=1), min_size=1))
def test_answers_never_take_less_than_at_best(looks: list[list[float]]) -> None:
    answers = AnswerTimes()
    assert all(answers.note(one) >= 1 for one in looks)


def test_the_lag_is_what_is_left_at_the_rate_of_the_last_moment() -> None:
    lag = WorkersLag(within=5)
    assert lag.note(0, 0, 500) is None
    assert lag.note(2, 200, 500) == 5
    assert lag.note(4, 200, 500) == 10
    assert lag.note(6, 200, 500) is None  # they fold nothing, so nobody has to give way to them
    assert lag.note(7, 300, 0) == 0


def test_a_health_check_now_and_then_is_no_use_of_the_service() -> None:
    reads = ReadsSeen(looks=4)
    assert [reads.note([one]) for one in (True, False, False, False, True, True, False)] == [False] * 5 + [True] * 2


class Machine:
    """A model of one whose processors the service and the rebuild share, as `Pacer` sees it a look after the other.

    The rebuild's workers take as much as the service's at pace FULL. They see a pace ``late`` seconds after it was set,
    since a transaction under way comes to its end first. Work is in seconds of the whole machine.
    """

    def __init__(self, late: float) -> None:
        self.now = self.left = self.rebuilt = 0.0
        self._folded = 0.0
        self._answers, self._lag = AnswerTimes(), WorkersLag()
        self._paces = [START] * (1 + int(late * LOOKS_A_SECOND))

    def look(self, arrived: float = 0) -> None:
        """Go on to the next look; so much work arrives for the service before."""
        self.left += arrived
        wanted, pace = min(1.0, self.left * LOOKS_A_SECOND), self._paces.pop(0)
        slowed = max(1.0, wanted + pace)
        self.now += 1 / LOOKS_A_SECOND
        self.left -= wanted / slowed / LOOKS_A_SECOND
        self._folded += wanted / slowed / LOOKS_A_SECOND
        self.rebuilt += pace / slowed / LOOKS_A_SECOND
        behind = self._lag.note(self.now, round(1e6 * self._folded), round(1e6 * self.left))
        load = ServiceLoad(behind is not None, behind or 0.0, self._answers.note([slowed] * 5))
        self._paces.append(next_pace(self._paces[-1], load))

    def rest(self, seconds: int) -> None:
        """Nobody uses the service for so long."""
        for _ in range(seconds * LOOKS_A_SECOND):
            self.look()


@settings(max_examples=30)
@given(st.floats(8, 100), st.floats(0.25, 1.5), st.integers(0, 30))
def test_a_service_that_is_suddenly_busy_is_hardly_slower_than_alone(work: float, late: float, idle: int) -> None:
    machine = Machine(late)
    machine.rest(idle)
    began = machine.now
    machine.look(work)
    while machine.left > 0:
        machine.look()
    assert machine.now - began <= 1.25 * work + 1


@settings(max_examples=15)
@given(st.floats(0.05, 0.9), st.integers(0, 30))
def test_much_of_what_a_service_leaves_is_taken_and_it_is_never_far_behind(wanted: float, idle: int) -> None:
    machine, seconds, furthest, before = Machine(1), 240, 0.0, 0.0
    machine.rest(idle)
    for look in range(seconds * LOOKS_A_SECOND):
        machine.look(wanted / LOOKS_A_SECOND)
        if look == seconds * LOOKS_A_SECOND // 2:
            before = machine.rebuilt
        furthest = max(furthest, machine.left / wanted)
    assert furthest < 3
    assert machine.rebuilt - before >= 0.4 * (1 - wanted) * seconds / 2


@pytest.mark.parametrize(("text", "share"), [("25%", 0.25), ("100", 1.0), (" 1 % ", 0.01), (None, None)])
def test_a_share_is_written_as_a_percentage(text: str | None, share: float | None) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["", "0", "0.5%", "101%", "nan", "half", "-5%"])
def test_what_is_not_a_percentage_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadShare, match="is not a percentage from 1% to 100%"):
        share_of(text)
