"""When writers are stopped for a generation that takes the place of the active one, and what follows then."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.control.activation import NotCaughtUp
from services.control.nearing import Nearing, attempts

LOOKS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=40)


def verdicts(looks: Sequence[tuple[int, int]], every: float = 0.5) -> list[bool]:
    """What is judged of looks at (records folded since the last one, records left), at even distances of time."""
    nearing, done, found = Nearing(0.0, within=60.0, stopped=10.0), 0, []
    for number, (more, left) in enumerate(looks):
        done += more
        found.append(nearing.is_near(number * every, done, left))
    return found


@given(LOOKS)
def test_a_generation_with_nothing_left_is_near(looks: list[tuple[int, int]]) -> None:
    assert verdicts([*looks, (0, 0)])[-1]


@given(st.integers(1, 60), st.integers(1, 1000))
def test_a_generation_that_does_not_move_never_is(looks: int, left: int) -> None:
    assert not any(verdicts([(0, left)] * looks))


@given(st.integers(1, 1000), st.integers(1, 100_000))
def test_writers_are_not_stopped_for_longer_than_the_rest_may_take(each: int, left: int) -> None:
    rate = each / 0.5
    for number, near in enumerate(verdicts([(each, left)] * 200)):
        assert not near or left / rate <= 5.0 + 1e-6
        assert near or number < 3 or left / rate > 1.0 - 1e-6


def test_what_never_comes_very_near_is_waited_for_longer_in_the_end() -> None:
    found = verdicts([(100, 600)] * 200)  # three seconds behind, all the time
    assert not found[10]
    assert found[-1]


def test_one_chunk_is_no_rate() -> None:
    nearing = Nearing(0.0, within=60.0, stopped=10.0)
    assert not nearing.is_near(0.0, 0, 4000)
    assert not nearing.is_near(0.1, 4000, 4000)


async def test_it_tries_again_until_the_time_is_over() -> None:
    tried: list[Nearing] = []

    async def attempt(nearing: Nearing) -> str:
        tried.append(nearing)
        if len(tried) < 3:
            raise NotCaughtUp("behind")
        return "done"

    assert await attempts(attempt, 600.0, 10.0) == "done"
    assert len({one.deadline for one in tried}) == 1


async def test_it_fails_with_the_last_reason_once_the_time_is_over() -> None:
    async def attempt(_: Nearing) -> str:
        await asyncio.sleep(0.02)
        raise NotCaughtUp("2 records left")

    with pytest.raises(NotCaughtUp, match="2 records left"):
        await attempts(attempt, 0.01, 10.0)
