import asyncio

from projections.engine.stages import StageClock, enter, timed_stages
from tests.support.clock import Clock


def test_the_stages_add_up_to_the_whole_time() -> None:
    now = Clock()
    began, clock = now.now, StageClock(now)
    with timed_stages(clock):
        for stage, seconds in (("load", 1), ("decide", 2), ("load", 4), ("commit", 8)):
            now.now += 0.5  # whoever was in charge before
            enter(stage)  # type: ignore[arg-type]
            now.now += seconds
    spent = clock.read()
    assert spent == {"wait": 0.5, "load": 1.5 + 4.5, "decide": 2.5, "commit": 8}
    assert sum(spent.values()) == now.now - began


async def test_chunks_at_the_same_time_have_clocks_of_their_own() -> None:
    async def work(seconds: float) -> float:
        now = Clock()
        clock = StageClock(now)
        with timed_stages(clock):
            enter("save")
            await asyncio.sleep(0)
            now.now += seconds
            enter("commit")
        return clock.read()["save"]

    assert [*await asyncio.gather(work(1), work(2))] == [1.0, 2.0]


def test_without_a_clock_nothing_is_timed() -> None:
    enter("save")
