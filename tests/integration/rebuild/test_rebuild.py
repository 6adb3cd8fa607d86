"""A generation is rebuilt from the log while the active one goes on, and is compared with it at the same offsets."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import Random
from uuid import UUID

import psutil
import pytest
from rich.console import Console

from projections.as_of.cutoff import Cutoff
from projections.comparable import COMPARED
from projections.customers.composing import has_composed
from projections.customers.store import lock_composer
from projections.engine import comparison
from projections.engine.connection import Connection
from projections.engine.generation_records import Generation, Horizon
from projections.engine.generation_schema import GenerationSchema
from projections.engine.generations import add_generation, all_generations
from projections.engine.holds import Vector
from projections.engine.paces import FULL
from projections.engine.rebuilds import lock_rebuild
from projections.engine.sessions import service_reads
from projections.engine.touched import note_touched
from projections.engine.touched_ids import Touched
from projections.erasures.folds import unerased
from projections.registry import SCHEMA
from schemas.events import Event
from services.control.generations import list_generations
from services.control.jobs import REBUILD, add_job, find_job
from services.control.tenants import add_tenant
from services.rebuild import worker_processes
from services.rebuild.adapters.customers import ComposerBacklog, composer_backlog, latest_change
from services.rebuild.adapters.postgres import snapshot
from services.rebuild.choosing import CannotRebuild, Options
from services.rebuild.comparing import CannotCompare
from services.rebuild.core.pacing import FLOOR, LOOKS_A_SECOND, START, ServiceLoad
from services.rebuild.main import Rebuilt, rebuild
from services.rebuild.pacing import Pacer
from services.rebuild.pair import GenerationPair
from services.runtime.broker import log_ends, topics_of
from services.runtime.database import create_pool, open_engine
from tests.support.families import history
from tests.support.older_data import load_older_data
from tests.support.polling import until
from tests.support.twin import contact_events
from tests.support.worker_processes import WorkerProcess
from tests.support.workload import workload
from tests.support.worlds import World, log_grows

pytestmark = pytest.mark.kafka

QUIET = Console(stderr=True, quiet=True)


async def rebuilt(world: World, workers: int = 1) -> Rebuilt:
    return await rebuild(world.settings, Options(workers, share=FULL), QUIET)


def differing(result: Rebuilt) -> Iterable[str]:
    assert result.comparison is not None
    return result.comparison.differing


async def test_a_rebuild_of_the_same_log_does_not_differ(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where tables are read piece by piece, which gives the same digests."""
    await world.append(*islice(history(Random(3)), 600))
    await world.produce(workload(600, 100, 7))
    worker = world.start_worker()
    await world.settle()
    result = await rebuilt(world, workers=2)
    assert differing(result) == (), result.comparison
    assert result.comparison is not None
    assert {one.place.read_model for one in result.comparison.places} >= {"timeline", "contacts", "members"}
    assert await worker.stop() == 0
    pieces = 0

    async def note_piece() -> None:
        nonlocal pieces
        pieces += 1

    monkeypatch.setattr(comparison, "_BLOCKS_AT_ONCE", 3)
    async with snapshot(world.settings.database_url, "g2") as there:
        for table in COMPARED:
            whole = await comparison.digests(there.connection, table)
            assert await comparison.digests_in_pieces(there.connection, table, note_piece) == whole
    assert pieces > len(COMPARED)


async def test_a_rebuild_does_not_differ_while_the_log_grows_and_its_worker_is_killed(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.append(*islice(history(Random(5)), 600))
    worker = world.start_worker()
    await world.settle()
    has_loaded, killed = GenerationPair.has_loaded, 0

    async def killed_once_loading(pair: GenerationPair, end: Vector) -> bool:
        nonlocal killed
        if not killed and any((await pair.offsets(pair.building)).get(pair.log, {}).values()):
            killed = kill_workers(pair.building.name)
        return bool(killed) and await has_loaded(pair, end)  # a small log may be loaded between two looks

    monkeypatch.setattr(GenerationPair, "has_loaded", killed_once_loading)
    async with log_grows(world, 5):
        result = await rebuilt(world)
    assert differing(result) == (), result.comparison
    assert killed
    assert "A worker of g2 ended with status 137, and is started again." in capsys.readouterr().err
    assert await worker.stop() == 0


@pytest.mark.timeout(1200)  # what rebuilds runs at the lowest priority: other tests come first
async def test_a_worker_rebuilds_where_a_job_asks_for_it(world: World) -> None:
    await world.append(*islice(history(Random(11)), 200))
    worker = world.start_worker()
    await world.settle()
    async with open_engine(world.settings.database_url) as engine:
        await add_tenant(engine, "ops")
        asked = await add_job(engine, "ops", REBUILD, {}, total=None, requested_by="a test")

        async def has_ended() -> bool:
            return (await find_job(engine, asked.job_id)).finished_at is not None

        await until(has_ended, 900, lambda: f"the rebuild does not end\n{world.output}")
        job = await find_job(engine, asked.job_id)
    assert (job.state, job.problem) == ("done", None)
    found = {one.name: one for one in await list_generations(world.settings)}
    assert (found["g1"].state, found["g2"].compared_at is not None) == ("active", True)
    assert await worker.stop() == 0


async def test_the_command_has_a_process_of_low_priority_build_which_ends_with_it(world: World) -> None:
    await world.append(*islice(history(Random(12)), 100))
    worker = world.start_worker()
    await world.settle()
    command = WorkerProcess(world.settings, world.home / "rebuild.log", world.fork_server, ("rebuild",))
    world.workers.append(command)
    builders: list[psutil.Process] = []

    async def builds() -> bool:
        with suppress(psutil.NoSuchProcess):  # one that has ended between two looks
            children = psutil.Process(command.pid).children(recursive=True)
            builders[:] = [one for one in children if one.status() != psutil.STATUS_ZOMBIE and "--of" in one.cmdline()]
            return bool(builders) and all(one.nice() > 0 for one in builders)
        return False

    async def have_ended() -> bool:
        return not any(one.is_running() for one in builders)

    await until(builds, 240, lambda: command.output)
    command.kill()
    await until(have_ended, 240, "the builder goes on")
    status, output = await world.command("rebuild", "--workers", "1", "--accept", "contacts", "--swap")
    assert (status, "g2 is the active generation now" in output) == (0, True), output
    assert [one.pace for one in await list_generations(world.settings)] == [None, None]
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
        return interrupted(pair.building.name)

    async def interrupted_while_indexing(
        _connection: Connection, name: str, _schema: GenerationSchema, _between: object
    ) -> None:
        interruptions.append("indexing")
        interrupted(name)

    for name, interruption in (
        ("services.rebuild.pair.GenerationPair.has_loaded", interrupted_once_loading),
        ("services.rebuild.main.index_for_readers", interrupted_while_indexing),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, interruption)
            with pytest.raises(Interrupted):
                await rebuilt(world)
    assert interruptions == ["loading", "indexing"]
    result = await rebuilt(world)
    assert result.building.name == "g2"
    assert differing(result) == (), result.comparison
    assert await indexes(world, "g2") == await indexes(world, "g1")
    assert await worker.stop() == 0


def interrupted(generation: str) -> bool:
    """Kill the workers of the generation, and interrupt the rebuild."""
    kill_workers(generation)
    raise Interrupted


def kill_workers(generation: str) -> int:
    """Kill the workers of the generation; returns how many there were."""
    number = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if generation in process.cmdline():
                process.kill()
                number += 1
    return number


async def indexes(world: World, generation: str) -> set[str]:
    async with world.connection() as connection:
        found = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = $1", generation)
    return {row["indexname"] for row in found}


async def test_rows_that_differ_are_found_and_shown_in_both_versions(world: World) -> None:
    await world.append(*islice(history(Random(4)), 300))
    worker = world.start_worker()
    await world.settle()
    async with world.connection() as connection:
        await until(partial(has_composed, connection), 240, lambda: world.output)
        assert await worker.stop() == 0
        contact = await connection.fetchval("SELECT min(contact_id::text) FROM contacts")
        await connection.execute("UPDATE timeline SET source = 'wrong' WHERE contact_id = $1::text::uuid", contact)
        await connection.execute("DELETE FROM contacts WHERE contact_id = $1::text::uuid", contact)
    customer_id = await one_of_two_customers_is_late(world)
    result = await rebuilt(world)
    assert result.comparison is not None
    assert differing(result) == ("contacts", "customer_rows", "timeline")
    assert result.comparison.left_out == 1
    assert [one.left_out for one in await list_generations(world.settings)] == [None, 1]
    rows = result.comparison.rows
    of_customers = [row for row in rows if row.place.read_model == "customer_rows"]
    assert [(row.key[1], row.columns) for row in of_customers] == [(customer_id, ("name",))]
    assert {str(row.key[1]) for row in rows if row not in of_customers} == {contact}
    lost = [row for row in rows if row.place.read_model == "contacts"]
    assert [(row.here, row.there is not None) for row in lost] == [(None, True)]
    wrong = [row for row in rows if row.place.read_model == "timeline"]
    assert wrong
    assert all(row.columns == ("source",) for row in wrong)


async def one_of_two_customers_is_late(world: World) -> UUID:
    """Spoil two customers' rows, and note a change of one of them that nobody composes; returns the other one's id."""
    async with world.connection() as connection, world.connection() as composer:
        wrong, late = await connection.fetch("SELECT tenant, customer_id FROM customer_rows ORDER BY 2 LIMIT 2")
        both: list[UUID] = [wrong["customer_id"], late["customer_id"]]
        await connection.execute("UPDATE customer_rows SET name = 'wrong' WHERE customer_id = ANY($1)", both)
        await note_touched(connection, {late["tenant"]: Touched(customers={late["customer_id"]})})
        latest = await latest_change(connection, "g1")
        assert not await composer_backlog(connection, "g1", latest), "nobody is to be waited for"
        assert await lock_composer(composer)
        assert await composer_backlog(connection, "g1", latest) == ComposerBacklog(1, ())
        assert not await composer_backlog(connection, "g1", latest - 1)
    return both[0]


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
    result = await rebuild(world.settings, Options(swap=True, share=FULL), QUIET)
    assert result.activated is None
    assert set(result.refused) >= {"contacts", "timeline"}
    assert result.comparison is not None
    assert result.comparison.changed["timeline"] == "columns new: account_key, intrinsic"


async def test_a_generation_of_the_past_has_what_had_occurred_and_what_was_known_by_then(world: World) -> None:
    chance = Random(6)
    events = [
        one.model_copy(update={"received_at": one.occurred_at + chance.randrange(500)})
        for one in islice(history(chance), 300)
    ]
    await world.append(*events)
    occurred, received = sorted({one.occurred_at for one in events}), sorted({one.received_at for one in events})
    as_of, known_at = moment(occurred[75]), moment(received[90])
    horizons = (Horizon(as_of=as_of), Horizon(known_at=known_at), Horizon(moment(occurred[60]), known_at))
    all_wanted = [await has_what_counts(world, one, events) for one in horizons]
    assert len(set(all_wanted)) == len(horizons), "each leaves out other events"
    status, listed = await world.command("generations", "list")
    assert (status, listed.count("past, as of"), listed.count("past, known at")) == (0, 2, 1), listed


async def has_what_counts(world: World, horizon: Horizon, events: list[Event]) -> frozenset[str]:
    """Build the generation, and compare its events with those that count; returns their ids."""
    result = await rebuild(world.settings, Options(horizon=horizon, share=FULL), QUIET)
    assert result.comparison is None
    cutoff = Cutoff.at(*horizon)
    counting = contact_events(one for one in events if cutoff.counts_for_identity(one))
    wanted = frozenset(one.event.event_id for one in unerased(counting))
    async with world.connection() as connection:
        found = await connection.fetch(f"SELECT event_id FROM {result.building.name}.timeline")
    assert {row["event_id"] for row in found} == wanted, horizon
    assert {f"identity-evidence.{result.building.name}"} == {
        name for name in await topics_of(world.settings) if name.endswith(f".{result.building.name}")
    }
    assert 0 < len(wanted) < len({one.event_id for one in events})
    return wanted


def moment(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


async def test_an_unfinished_generation_of_other_code_is_refused_with_what_to_do(world: World) -> None:
    async with world.connection() as connection:
        other = replace(SCHEMA, fold_versions={**SCHEMA.fold_versions, "tags": 99})
        await add_generation(connection, Generation("g2", "g2", ""), other)
    with pytest.raises(CannotRebuild, match="onefold generations drop g2"):
        await rebuild(world.settings, Options(), QUIET)


@pytest.mark.long
async def test_a_rebuild_gives_way_to_a_service_that_is_behind_and_still_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is behind until the log is folded; the workers see the pace, which ends with the rebuild."""
    await world.append(*islice(history(Random(8)), 400))
    worker = world.start_worker()
    await world.settle()
    seen: list[float | None] = []
    loaded: list[Vector] = []

    async def behind(_pacer: Pacer) -> ServiceLoad:
        seen.append(next(one.pace for one in await list_generations(world.settings) if one.name == "g2"))
        await asyncio.sleep(1 / LOOKS_A_SECOND)
        return ServiceLoad(in_use=not loaded, seconds_behind=60)

    async def until_slow(pair: GenerationPair, end: Vector) -> bool:
        if FLOOR in seen and await has_loaded(pair, end):
            loaded.append(end)
        return bool(loaded)

    has_loaded = GenerationPair.has_loaded
    monkeypatch.setattr(worker_processes, "_NICE", 0)  # what else runs here would come before them for minutes
    monkeypatch.setattr(Pacer, "_load", behind)
    monkeypatch.setattr(GenerationPair, "has_loaded", until_slow)
    result = await rebuild(world.settings, Options(swap=True), QUIET)
    assert result.activated is not None, result.comparison
    assert seen[0] == START
    assert [one.pace for one in await list_generations(world.settings)] == [None, None]
    assert await worker.stop() == 0


async def test_a_rebuild_looks_at_what_the_service_does(world: World) -> None:
    """It sees that a worker folds and how much is left, and a query service that reads."""
    await world.append(*islice(history(Random(9)), 200))
    worker = world.start_worker()
    await world.settle()
    async with world.connection() as connection:
        await add_generation(connection, Generation("g2", "", ""), SCHEMA)
        active, building = await all_generations(connection)
        pair = GenerationPair(world.settings, connection, active, building)
        before = await pair.active_progress()
        assert before[1] == 0
        assert await worker.stop() == 0
        await world.append(*islice(history(Random(10)), 5))
        assert await pair.active_progress() == (before[0], 5)
        assert not await service_reads(connection)
        elsewhere = world.settings.database_url.rpartition("/")[0] + "/postgres"
        pool = create_pool(elsewhere, name="onefold-query", max_size=1)
        async with pool, pool.acquire() as reader:
            await reader.execute("SELECT 1")
            assert not await service_reads(connection)  # it reads another installation's database
        pool = create_pool(world.settings.database_url, name="onefold-query", max_size=1)
        async with pool, pool.acquire() as reader:
            await reader.execute("SELECT 1 FROM onefold.generations")
            assert not await service_reads(connection)
            reading = asyncio.create_task(reader.execute("SELECT pg_sleep(60)"))
            await until(partial(service_reads, connection), 240, "the read was not seen")
            reading.cancel()
            await asyncio.wait([reading])


async def test_a_second_rebuild_is_refused_while_one_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rebuild.main._ENDS_WITHIN", 0.0)
    async with world.connection() as connection:
        assert await lock_rebuild(connection)
        with pytest.raises(CannotRebuild, match="Another rebuild is running"):
            await rebuild(world.settings, Options(), QUIET)
        assert [one.name for one in await all_generations(connection)] == ["g1"]


async def test_a_generation_ahead_of_one_that_nobody_feeds_is_not_compared_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(*islice(history(Random(3)), 100))
    worker = world.start_worker()
    await world.settle()
    assert await worker.stop() == 0
    await rebuilt(world)
    async with world.connection() as connection:  # as if it had been restored from a backup
        await connection.execute("UPDATE g1.offsets SET next_offset = 0 WHERE topic = $1", world.topic)
    monkeypatch.setattr("services.rebuild.waiting._MOVES_WITHIN", 1.0)
    with pytest.raises(CannotCompare, match=r"records ahead of g1.*onefold worker"):
        await rebuilt(world)
