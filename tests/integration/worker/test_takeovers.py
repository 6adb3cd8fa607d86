"""A generation takes the place of another and gives it back, while a listener follows the topic of changes alone."""

import asyncio
from functools import partial
from itertools import islice
from random import Random

import psutil
import pytest

from projections.engine.generations import (
    add_generation,
    all_generations,
    find_generation,
    next_generation,
    note_caught_up,
)
from projections.registry import SCHEMA
from services.control.activation import CannotActivate
from services.control.generations import GenerationInUse, drop, list_generations
from services.control.swapping import activate
from services.doctor.main import examine
from services.runtime.broker import ensure_topics
from tests.support.families import history
from tests.support.polling import until
from tests.support.streams import consumed
from tests.support.worker_processes import WorkerProcess
from tests.support.worlds import World, log_grows

pytestmark = pytest.mark.kafka


async def build_beside(world: World) -> str:
    """Add a generation that is to take the place of the active one, as if a rebuild had built it; workers feed it."""
    async with world.connection() as connection:
        following = await next_generation(connection, takes_over=True)
        await ensure_topics(world.settings, following)
        await add_generation(connection, following, SCHEMA)
        await note_caught_up(connection, following.name)
    return following.name


async def states(world: World) -> dict[str, str]:
    async with world.connection() as connection:
        return {one.name: one.state for one in await all_generations(connection)}


async def listener_agrees(world: World) -> None:
    """`consumed` checks that each customer's changes have every number once, and lead from one to the next."""
    await world.settle()
    await world.verify_holds()
    assert consumed(await world.changes()) == await world.membership()


@pytest.mark.long
async def test_a_listener_follows_membership_over_takeovers_and_back(world: World) -> None:
    events = history(Random(11))
    await world.append(*islice(events, 300))
    worker = world.start_worker()
    await world.settle()
    second = await build_beside(world)
    await world.append(*islice(events, 100))
    await until(partial(_fed, world, second, 400), 240, lambda: world.output)
    for active, former in ((second, "g1"), ("g1", second), (second, "g1")):
        async with log_grows(world, seed=7, batch=5):
            await asyncio.sleep(1)
            done = await activate(world.settings, active, unchecked=True, wait=200, stopped=60)
        assert (done.name, done.former) == (active, former)
        assert await states(world) == {active: "active", former: "standby"}
        await world.append(*islice(events, 100))
        await listener_agrees(world)
    assert await worker.stop() == 0


@pytest.mark.long
async def test_children_feed_other_generations_and_end_with_them(world: World) -> None:
    await world.append(*islice(history(Random(12)), 200))
    worker = world.start_worker()
    second = await build_beside(world)
    process = psutil.Process(worker.pid)
    await until(partial(_fed, world, second), 240, lambda: world.output)
    (child,) = process.children()
    await worker.until_metric(1, "onefold_generation_fed", generation="g1", state="active")
    await worker.until_metric(1, "onefold_generation_fed", generation=second, state="building")
    assert f'onefold_partitions_stopped{{generation="{second}"}} 0.0' in (await worker.get("/metrics")).text
    await until(partial(_doctor_finds_it_well, worker, second), 240, lambda: world.output)
    with pytest.raises(GenerationInUse):
        await drop(world.settings, "g1")
    await drop(world.settings, second)
    assert await states(world) == {"g1": "active"}
    await until(lambda: asyncio.sleep(0, not child.is_running()), 240, lambda: world.output)
    third = await build_beside(world)
    await until(partial(_fed, world, third), 240, lambda: world.output)
    (child,) = process.children()
    child.suspend()  # a child that can't notice anything ends, too
    worker.kill()
    await until(lambda: asyncio.sleep(0, not child.is_running()), 240, lambda: world.output)


async def _doctor_finds_it_well(worker: WorkerProcess, generation: str) -> bool:
    checked = [one for one in await examine(worker.settings, {}) if one.area == f"workers of {generation}"]
    return [(one.check, one.state) for one in checked] == [("log", "ok"), ("running", "ok"), ("lag", "ok")]


async def _fed(world: World, name: str, records: int = 200) -> bool:
    return any(one.name == name and one.folded == records for one in await list_generations(world.settings))


async def test_a_worker_whose_generation_ends_asks_to_be_started_again(world: World) -> None:
    await world.append(*islice(history(Random(13)), 100))
    worker = world.start_worker()
    await world.settle()
    second = await build_beside(world)
    await activate(world.settings, second, unchecked=True, wait=200, stopped=60)
    await drop(world.settings, "g1")
    assert await worker.ended(240) == 75
    worker = world.start_worker()
    await world.append(*islice(history(Random(14)), 100))
    await listener_agrees(world)
    assert await worker.stop() == 0


async def test_a_generation_that_is_behind_or_unknown_to_the_active_one_is_refused(world: World) -> None:
    await world.append(*islice(history(Random(15)), 50))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    second = await build_beside(world)
    with pytest.raises(CannotActivate, match=r"was not compared"):
        await activate(world.settings, second)
    with pytest.raises(CannotActivate, match=r"50 records .* left"):
        await activate(world.settings, second, unchecked=True, wait=0.5)
    async with world.connection() as connection:
        assert (await find_generation(connection, "g1")).state == "active"
        await connection.execute("UPDATE onefold.generations SET as_of = now() WHERE name = $1", second)
    with pytest.raises(CannotActivate, match=r"leaves a part of the log out"):
        await activate(world.settings, second, unchecked=True)
    async with world.connection() as connection:
        await connection.execute("UPDATE onefold.generations SET as_of = NULL, state = 'retired' WHERE name = 'g2'")
    with pytest.raises(CannotActivate, match=r"retired"):
        await activate(world.settings, second, unchecked=True)
