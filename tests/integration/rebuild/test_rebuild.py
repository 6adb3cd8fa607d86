"""A generation is rebuilt from the log while the active one goes on, and is compared with it at the same offsets."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import psutil
import pytest
from rich.console import Console

from projections.as_of.cutoff import Cutoff
from projections.engine.connection import Connection
from projections.engine.generation_schema import GenerationSchema
from projections.engine.generations import Generation, Horizon, add_generation
from projections.engine.holds import Vector
from projections.registry import SCHEMA
from services.rebuild.choosing import CannotRebuild, Options
from services.rebuild.main import Rebuilt, rebuild
from services.rebuild.pair import GenerationPair
from services.rebuild.worker_processes import WorkerEnded
from services.runtime.broker import log_ends
from tests.support.families import history
from tests.support.older_data import load_older_data
from tests.support.workload import workload
from tests.support.worlds import World, log_grows

pytestmark = pytest.mark.kafka

QUIET = Console(stderr=True, quiet=True)


async def rebuilt(world: World, workers: int = 1) -> Rebuilt:
    return await rebuild(world.settings, Options(workers), QUIET)


def differing(result: Rebuilt) -> Iterable[str]:
    assert result.comparison is not None
    return result.comparison.differing


async def test_a_rebuild_of_the_same_log_does_not_differ(world: World) -> None:
    await world.append(*islice(history(Random(3)), 600))
    await world.produce(workload(3000, 300, 7))
    worker = world.start_worker()
    await world.settle()
    result = await rebuilt(world, workers=2)
    assert differing(result) == (), result.comparison
    assert result.comparison is not None
    assert {one.place.read_model for one in result.comparison.places} >= {"timeline", "contacts", "members"}
    assert await worker.stop() == 0


async def test_a_rebuild_does_not_differ_while_the_log_grows(world: World) -> None:
    await world.append(*islice(history(Random(5)), 600))
    worker = world.start_worker()
    async with log_grows(world, 5):
        result = await rebuilt(world)
    assert differing(result) == (), result.comparison
    assert await worker.stop() == 0


class Interrupted(Exception):
    """The rebuild is interrupted here."""


async def test_a_rebuild_goes_on_where_it_was_whichever_phase_was_interrupted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are killed while the log is loaded, and then while identity is resolved and indexes are made."""
    await world.append(*islice(history(Random(7)), 600))
    await world.produce(workload(3000, 300, 8))
    worker = world.start_worker()
    await world.settle()
    interruptions: list[str] = []

    async def interrupted_once_loading(pair: GenerationPair, _end: Vector) -> bool:
        folded = (await pair.offsets(pair.building)).get(pair.log, {})
        assert not (await pair.offsets(pair.building)).get(pair.evidence, {}).get(0, 0)
        if not any(folded.values()):
            return False
        interruptions.append("loading")
        return killed(pair.building.name)

    async def interrupted_while_indexing(_connection: Connection, name: str, _schema: GenerationSchema) -> None:
        interruptions.append("indexing")
        killed(name)

    for name, interruption in (
        ("services.rebuild.pair.GenerationPair.has_loaded", interrupted_once_loading),
        ("services.rebuild.main.index_for_readers", interrupted_while_indexing),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, interruption)
            with pytest.raises((Interrupted, WorkerEnded)):  # the killed workers may be seen first
                await rebuilt(world)
    assert interruptions == ["loading", "indexing"]
    result = await rebuilt(world)
    assert result.building.name == "g2"
    assert differing(result) == (), result.comparison
    assert await indexes(world, "g2") == await indexes(world, "g1")
    assert await worker.stop() == 0


def killed(generation: str) -> bool:
    """Kill the workers of the generation, and interrupt the rebuild."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if generation in process.cmdline():
                process.kill()
    raise Interrupted


async def indexes(world: World, generation: str) -> set[str]:
    async with world.connection() as connection:
        found = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = $1", generation)
    return {row["indexname"] for row in found}


async def test_rows_that_differ_are_found_and_shown_in_both_versions(world: World) -> None:
    await world.append(*islice(history(Random(4)), 300))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    async with world.connection() as connection:
        contact = await connection.fetchval("SELECT min(contact_id::text) FROM contacts")
        await connection.execute("UPDATE timeline SET source = 'wrong' WHERE contact_id = $1::text::uuid", contact)
        await connection.execute("DELETE FROM contacts WHERE contact_id = $1::text::uuid", contact)
    result = await rebuilt(world)
    assert result.comparison is not None
    assert differing(result) == ("contacts", "timeline")
    rows = result.comparison.rows
    assert {str(row.key[1]) for row in rows} == {contact}
    lost = [row for row in rows if row.place.read_model == "contacts"]
    assert [(row.here, row.there is not None) for row in lost] == [(None, True)]
    wrong = [row for row in rows if row.place.read_model == "timeline"]
    assert wrong
    assert all(row.columns == ("source",) for row in wrong)


async def test_read_models_of_older_code_differ_with_the_reason(world: World) -> None:
    await world.append(*islice(history(Random(3)), 300))
    ends = await log_ends(world.settings.kafka_servers, world.topic)
    async with world.connection() as connection:
        await load_older_data(connection)
        await connection.execute("DELETE FROM g1.offsets")
        folded = [(world.topic, number, end) for number, end in ends.items()]
        await connection.executemany(
            "INSERT INTO g1.offsets (topic, partition, next_offset) VALUES ($1, $2, $3)", folded
        )
    result = await rebuild(world.settings, Options(swap=True), QUIET)
    assert result.activated is None
    assert set(result.refused) >= {"contacts", "timeline"}
    assert result.comparison is not None
    assert result.comparison.changed["timeline"] == "columns new: account_key, intrinsic"


async def test_read_models_of_other_code_are_rebuilt_and_replaced(world: World) -> None:
    await world.append(*islice(history(Random(3)), 300))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    async with world.connection() as connection:
        await connection.execute("ALTER TABLE g1.timeline DROP COLUMN account_key CASCADE")
        await connection.execute("UPDATE onefold.generations SET schema_digest = 'of other code'")
    result = await rebuild(world.settings, Options(swap=True), QUIET)
    assert result.comparison is not None
    assert result.comparison.changed == {"timeline": "columns new: account_key"}
    assert result.activated is not None, result.comparison
    assert (result.activated.name, result.activated.changes) == ("g2", 0)
    worker = world.start_worker()
    await world.append(*islice(history(Random(4)), 100))
    await world.settle()
    await world.verify_holds()
    assert await worker.stop() == 0


async def test_a_generation_as_of_a_time_has_the_events_that_had_occurred_by_then(world: World) -> None:
    events = list(islice(history(Random(6)), 300))
    await world.append(*events)
    middle = sorted({one.occurred_at for one in events})[75]
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=middle)
    result = await rebuild(world.settings, Options(horizon=Horizon(as_of=moment)), QUIET)
    assert result.comparison is None
    cutoff = Cutoff.at(moment, None)
    wanted = {one.event_id for one in events if cutoff.counts_for_identity(one)}
    async with world.connection() as connection:
        found = await connection.fetch(f"SELECT event_id FROM {result.building.name}.timeline")
    assert {row["event_id"] for row in found} == wanted
    assert 0 < len(wanted) < len({one.event_id for one in events})


async def test_an_unfinished_generation_of_other_code_is_refused_with_what_to_do(world: World) -> None:
    async with world.connection() as connection:
        other = replace(SCHEMA, fold_versions={**SCHEMA.fold_versions, "tags": 99})
        await add_generation(connection, Generation("g2", "g2", ""), other)
    with pytest.raises(CannotRebuild, match="onefold generations drop g2"):
        await rebuild(world.settings, Options(), QUIET)
