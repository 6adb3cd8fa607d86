"""`kill -9` at any moment loses no event and counts none twice."""

import asyncio
import itertools
from functools import partial
from random import Random

import pytest

from tests.support.polling import until
from tests.support.rounds import rounds
from tests.support.workload import workload
from tests.support.worlds import World

pytestmark = pytest.mark.kafka

_ROUNDS = rounds(2)
_A_ROUND = 2500


@pytest.mark.long
@pytest.mark.repeated
async def test_kills_at_random_moments_leave_exactly_the_rows_of_the_log(world: World) -> None:
    rng = Random(20)
    records = workload((_ROUNDS + 2) * _A_ROUND, 500, seed=1)
    await world.produce(itertools.islice(records, _A_ROUND))
    folded = 0
    for number in range(_ROUNDS):
        worker = world.start_worker()
        growing = asyncio.create_task(world.produce(itertools.islice(records, _A_ROUND)))
        if number % 2:
            await asyncio.sleep(rng.uniform(0, 2.5))  # while it starts, joins its group, or takes its partitions
        else:
            await until(partial(_moved_past, world, folded), 240, lambda: world.output, every=0.02)
            await asyncio.sleep(rng.uniform(0, 0.3))  # in the middle of its work
        worker.kill()
        await growing
        folded = await world.folded()
    world.start_worker()
    await world.settle()
    verdict = await world.verify_holds()
    assert verdict.records == (_ROUNDS + 1) * _A_ROUND


async def _moved_past(world: World, folded: int) -> bool:
    return await world.folded() > folded
