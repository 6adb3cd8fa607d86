"""A paced worker works and rests in turn."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from services.worker.handlers.turns import PacedTurns, rest_after

PACES = st.floats(0.01, 1)
SHORT = st.floats(0, 0.05)  # seconds; the rest after it is shorter than the longest there is


@dataclass
class Clock:
    """Seconds that pass only in sleep and work."""

    now: float = 0.0
    rests: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def turns_of(clock: Clock, pace: float) -> PacedTurns:
    turns = PacedTurns(asyncio.Event(), clock=clock, sleep=clock.sleep)
    turns.pace = pace
    return turns


@given(PACES, SHORT)
def test_work_takes_its_share_of_the_time(pace: float, worked: float) -> None:
    assert abs(worked - pace * (worked + rest_after(worked, pace))) < 1e-9


@given(PACES, st.floats(0, 1e6))
def test_no_rest_is_longer_than_a_few_seconds(pace: float, worked: float) -> None:
    assert 0 <= rest_after(worked, pace) <= 5


async def test_a_paced_worker_rests_after_each_turn() -> None:
    clock = Clock()
    turns = turns_of(clock, 0.25)
    async with turns.turn():
        clock.now += 0.5
    assert round(clock.now, 6) == 2.0


async def test_a_worker_that_is_not_paced_does_not_rest_or_wait_for_its_turn() -> None:
    clock = Clock()
    turns = turns_of(clock, 1)
    async with turns.turn(), turns.turn():
        clock.now += 1
    assert clock.rests == []


async def test_a_paced_worker_does_one_piece_of_work_at_a_time() -> None:
    clock = Clock()
    turns = turns_of(clock, 0.5)
    running, most = 0, 0

    async def work(seconds: float) -> float:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        clock.now += seconds
        running -= 1
        return seconds

    assert await asyncio.gather(*map(turns.paced(work), (0.1, 0.2, 0.3))) == [0.1, 0.2, 0.3]
    assert most == 1


async def test_a_rest_ends_when_the_pace_is_raised() -> None:
    clock = Clock()

    async def raised(seconds: float) -> None:
        await clock.sleep(seconds)
        turns.pace = 1

    turns = PacedTurns(asyncio.Event(), clock=clock, sleep=raised)
    turns.pace = 0.1
    async with turns.turn():
        clock.now += 0.2
    assert len(clock.rests) == 1


async def test_nobody_rests_once_the_worker_is_stopped() -> None:
    clock, stop = Clock(), asyncio.Event()
    turns = PacedTurns(stop, clock=clock, sleep=clock.sleep)
    turns.pace = 0.1
    stop.set()
    async with turns.turn():
        clock.now += 1
    assert clock.rests == []


async def test_a_resting_worker_shows_that_it_is_not_stuck() -> None:
    shown = 0

    def show() -> None:
        nonlocal shown
        shown += 1

    clock = Clock()
    turns = PacedTurns(asyncio.Event(), show, clock, clock.sleep)
    turns.pace = 0.1
    async with turns.turn():
        clock.now += 1
    assert shown == len(clock.rests) > 1
