"""Read models of an older version: every process refuses them, and the log is folded into a new generation."""

from itertools import islice
from random import Random

import pytest

from projections.engine.generation_records import IncompatibleGeneration
from schemas.topics import CUSTOMER_CHANGES, IDENTITY_EVIDENCE
from services.control.read_models import prepare_read_models
from services.runtime.errors import EXIT_INCOMPATIBLE
from services.verify.main import verify
from tests.support.families import history
from tests.support.older_data import OLDER_EVENTS, load_older_data
from tests.support.streams import consumed
from tests.support.worlds import World

pytestmark = pytest.mark.kafka


async def test_older_read_models_are_refused_and_the_log_is_folded_anew(world: World) -> None:
    async with world.connection() as connection:
        await load_older_data(connection)
    await world.append(*islice(history(Random(3)), 300))
    for migrated in (False, True):
        worker = world.start_worker()
        assert await worker.ended(240) == EXIT_INCOMPATIBLE
        assert worker.has_logged("onefold rebuild --swap")
        with pytest.raises(IncompatibleGeneration):
            await verify(world.settings)
        if not migrated:
            with pytest.raises(IncompatibleGeneration):
                await prepare_read_models(world.settings)
    await prepare_read_models(world.settings, fresh=True)
    worker = world.start_worker()
    await world.settle()
    verdict = await world.verify_holds()
    assert verdict.log.records == 300
    assert await world.changes()
    assert (await world.name_of(IDENTITY_EVIDENCE)).endswith(".g2")
    async with world.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM g1.timeline") == OLDER_EVENTS
    assert await worker.stop() == 0


async def test_a_generation_begun_afresh_comes_to_the_same_read_models(world: World) -> None:
    """The evidence and the changes of the former generation are on topics that the new one neither reads nor writes."""
    await world.append(*islice(history(Random(5)), 400))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    membership, changes = await world.membership(), await world.changes()
    former = await world.name_of(CUSTOMER_CHANGES)
    await prepare_read_models(world.settings, fresh=True)
    assert not await world.membership()
    worker = world.start_worker()
    await world.settle()
    await world.verify_holds()
    assert await world.membership() == membership
    assert await world.name_of(CUSTOMER_CHANGES) == f"{former}.g2"
    assert consumed(await world.changes()) == consumed(changes)
    assert await worker.stop() == 0
