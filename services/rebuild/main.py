"""A rebuild: from settings to the result of the comparison."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import orjson
from rich.console import Console

from projections.engine.connection import Connection
from projections.engine.generations import (
    ACTIVE,
    BUILDING,
    EVERYTHING,
    GenerationRecord,
    Horizon,
    NoGeneration,
    add_generation,
    all_generations,
    find_generation,
    index_for_readers,
    next_generation,
    note_caught_up,
    note_compared,
)
from projections.engine.holds import Vector, set_hold
from projections.engine.rebuilds import lock_rebuild, note_comparison
from projections.migrations.upgrade import upgrade
from projections.registry import SCHEMA
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.control.swapping import Activated, activate
from services.rebuild.adapters.postgres import connected, rolling_out
from services.rebuild.comparing import compare
from services.rebuild.core.comparing import GenerationComparison
from services.rebuild.core.progress import reached
from services.rebuild.pair import GenerationPair
from services.rebuild.showing import Showing, progress_of
from services.rebuild.worker_processes import WorkerProcesses, worker_processes
from services.runtime.broker import ensure_topics
from services.runtime.errors import ForeseenError
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.5


class CannotRebuild(ForeseenError):
    """There is another rebuild, or an unfinished one that this one can't go on with. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for: how many worker processes, which events to fold, and what follows.

    With ``swap`` the generation becomes the active one unless read models differ that are not ``accepted`` by name.
    """

    workers: int = 1
    horizon: Horizon = EVERYTHING
    swap: bool = False
    accepted: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The two generations, and how they compare; None where they can't be, since one leaves a part of the log out.

    ``refused`` are the names of the read models that differ and were not accepted.
    """

    active: GenerationRecord
    building: GenerationRecord
    comparison: GenerationComparison | None
    refused: Collection[str] = ()
    activated: Activated | None = None


async def rebuild(settings: Settings, options: Options, console: Console) -> Rebuilt:
    """Build the next generation, or go on with the unfinished one, and compare it with the active one.

    Raises CannotRebuild, CannotActivate, WorkerEnded, and what PostgreSQL and Kafka raise. Whatever ends it, it can be
    called again: the next one goes on where this one was.
    """
    await upgrade(settings.database_url)
    async with connected(settings.database_url) as control:
        if not await lock_rebuild(control):
            raise CannotRebuild("Another rebuild is running.")
        pair = GenerationPair(settings, control, *await _generations(control, settings, options))
        async with _workers(settings, pair.building.name, options.workers) as workers:
            await _catch_up(pair, workers, console)
            await note_caught_up(control, pair.building.name)
            if pair.building.partial:
                return Rebuilt(pair.active, pair.building, None)
            return await _compared(pair, workers, options)


async def _compared(pair: GenerationPair, workers: WorkerProcesses, options: Options) -> Rebuilt:
    """Compare the two, note the result, and swap them if that is asked for and nothing speaks against it."""
    name = pair.building.name
    comparison = await compare(pair, workers.check)
    refused = comparison.refused(options.accepted)
    await note_comparison(pair.control, name, comparison.as_dict())
    if not refused:
        await note_compared(pair.control, name, orjson.dumps(comparison.differing).decode())
    # Where nobody feeds the active one any more, the other one waits, so that they can be compared again.
    if pair.active.schema_digest == SCHEMA.digest:
        await set_hold(pair.control, name, None)
    activated = await activate(pair.settings, name) if options.swap and not refused else None
    return Rebuilt(pair.active, pair.building, comparison, refused, activated)


@asynccontextmanager
async def _workers(settings: Settings, generation: str, number: int) -> AsyncIterator[WorkerProcesses]:
    running = worker_processes(settings, generation, number, settings.data_dir / "logs")
    workers = await asyncio.to_thread(running.__enter__)
    try:
        yield workers
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def _generations(
    control: Connection, settings: Settings, options: Options
) -> tuple[GenerationRecord, GenerationRecord]:
    """The active generation, and the one that is built, which is made if there is none."""
    known = await all_generations(control)
    active = next((one for one in known if one.state == ACTIVE), None)
    if active is None:
        raise CannotRebuild(NoGeneration.__doc__)
    unfinished = [one for one in known if one.state == BUILDING]
    for one in (one for one in unfinished if one.horizon == options.horizon):
        if one.schema_digest != SCHEMA.digest:
            raise CannotRebuild(
                f"{one.name} is being built by another version of Onefold. Drop it first: onefold generations drop "
                f"{one.name}"
            )
        return active, one
    return active, await _new(control, settings, options)


async def _new(control: Connection, settings: Settings, options: Options) -> GenerationRecord:
    whole = options.horizon == EVERYTHING
    generation = await next_generation(control, takes_over=whole)
    await ensure_topics(settings, generation)
    async with control.transaction():
        await add_generation(control, generation, SCHEMA, state=BUILDING, horizon=options.horizon, for_readers=False)
        # Held before any worker sees it.
        hold: dict[str, Vector] = {generation.topic_name(IDENTITY_EVIDENCE, settings.topic_prefix): {}}
        if whole:
            hold[CHANNEL_EVENTS.full_name(settings.topic_prefix)] = {}
        await set_hold(control, generation.name, hold)
    return await find_generation(control, generation.name)


async def _catch_up(pair: GenerationPair, workers: WorkerProcesses, console: Console) -> None:
    """Return once the generation that is built has come to the hold, with all of its evidence and policies.

    First the log is folded without identity, as far as it goes now. Then the evidence, which is complete up to there,
    is resolved in large chunks, while the indexes are made that only readers need. The rest of the log comes last.
    """
    with progress_of(pair.building.name, console) as showing:
        loaded = await _load(pair, workers, showing)
        await pair.begin_resolving(loaded)
        async with _indexing(pair) as indexing:
            while True:
                workers.check()
                indexed = indexing.done() and indexing.result() is None  # raises what it has raised
                positions = await pair.positions(await pair.move_hold() if indexed else loaded)
                showing.update(positions)
                whole = reached(positions)
                if indexed and whole.done >= whole.total and not await rolling_out(pair.control, pair.building.name):
                    return
                await asyncio.sleep(_LOOK_EVERY)


async def _load(pair: GenerationPair, workers: WorkerProcesses, showing: Showing) -> Vector:
    """Return once the log is folded without identity as far as it went when this began; returns how far."""
    end = await pair.begin_loading()
    while not await pair.has_loaded(end):
        workers.check()
        showing.update(await pair.positions(end))
        await asyncio.sleep(_LOOK_EVERY)
    return end


@asynccontextmanager
async def _indexing(pair: GenerationPair) -> AsyncIterator[asyncio.Task[None]]:
    """Make the indexes that only readers need while the block runs; returns once they are made."""

    async def index() -> None:
        async with connected(pair.url) as connection:
            await index_for_readers(connection, pair.building.name, SCHEMA)

    task = asyncio.create_task(index())
    try:
        yield task
        await task
    finally:
        task.cancel()
