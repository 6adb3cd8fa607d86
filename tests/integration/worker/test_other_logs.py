"""A worker refuses a topic that is not the one that was folded, though it has its name."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from services.doctor.main import examine
from services.runtime.broker import delete_topics, ensure_topics
from services.runtime.topic_ids import topic_identities
from tests.support.polling import until
from tests.support.workload import workload
from tests.support.worlds import World

pytestmark = pytest.mark.kafka


@pytest.fixture
async def admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    made = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await made.start()
    yield made
    await made.close()


async def doctor_says(world: World) -> str:
    found = await examine(world.settings, {})
    return "\n".join(f"{one.check}: {one.found}. {one.advice}" for one in found if one.state == "failed")


async def make_again(world: World) -> None:
    """Delete the topic of events, and make one of its name."""
    before = (await topic_identities(world.settings.kafka_servers, [world.topic]))[world.topic]
    await delete_topics(world.settings, [world.topic])

    async def made() -> bool:
        await ensure_topics(world.settings)
        now = await topic_identities(world.settings.kafka_servers, [world.topic])
        return world.topic in now and now[world.topic].topic_id != before.topic_id

    await until(made, 240, lambda: "the topic was not made again")


async def test_a_topic_that_was_made_again_is_refused_however_many_records_it_has(world: World) -> None:
    await world.produce(islice(workload(1000, 100, seed=3), 400))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    await make_again(world)
    await world.produce(workload(1000, 100, seed=4))
    again = world.start_worker()
    assert await again.ended(240) == 65
    assert again.has_logged("is not the topic that was folded")
    assert again.has_logged("onefold log import DIR")
    assert "onefold migrate --fresh" in await doctor_says(world)


async def test_a_topic_that_is_made_again_under_a_running_worker_ends_it(world: World) -> None:
    await world.produce(islice(workload(1000, 100, seed=3), 400))
    worker = world.start_worker()
    await world.settle()
    await make_again(world)
    assert await worker.ended(240) == 65


async def test_partitions_that_are_added_end_the_worker_with_what_to_do(
    world: World, admin: AIOKafkaAdminClient
) -> None:
    await world.produce(islice(workload(1000, 100, seed=3), 400))
    worker = world.start_worker()
    await world.settle()
    await admin.create_partitions({world.topic: NewPartitions(6)})
    assert await worker.ended(240) == 65
    assert worker.has_logged("has 6 partitions, and had 4")
    assert not worker.has_logged("Event loop is closed"), "a traceback hides what to do"
    again = await asyncio.to_thread(world.start_worker)
    assert await again.ended(240) == 65
    assert "--renumber" in await doctor_says(world)
