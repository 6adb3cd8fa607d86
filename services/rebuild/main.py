"""A rebuild: from settings to the result of the comparison."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from rich.console import Console

from projections.customers.tables import TABLES as CUSTOMERS
from projections.engine.connection import Connection
from projections.engine.generation_records import ACTIVE, GenerationRecord, NoGeneration
from projections.engine.generation_schema import GenerationSchema
from projections.engine.generation_tables import index_for_readers
from projections.engine.generations import all_generations, find_generation, note_caught_up, note_compared
from projections.engine.holds import Vector, missing, set_hold
from projections.engine.rebuilds import lock_rebuild, note_comparison, unlock_rebuild
from projections.migrations.upgrade import upgrade
from projections.registry import schema_of
from services.control.activation import Activated
from services.control.swapping import activate
from services.embedded.process import Process
from services.rebuild.adapters.postgres import connected
from services.rebuild.choosing import CannotRebuild, Options, chosen_generations
from services.rebuild.comparing import compare
from services.rebuild.composing import BulkComposer, bulk_composer
from services.rebuild.core.comparing import GenerationComparison
from services.rebuild.core.pacing import FULL
from services.rebuild.core.progress import reached
from services.rebuild.pacing import Pace, following_pace, pacing
from services.rebuild.pair import GenerationPair
from services.rebuild.resting import Resting
from services.rebuild.showing import Showing, progress_of
from services.rebuild.worker_processes import WorkerProcesses, lower_priority, worker_processes
from services.runtime.cancelling import cancel_all
from services.runtime.settings import Settings

_LOOK_EVERY: Final = 0.2
_ENDS_WITHIN: Final = 20.0  # seconds that a rebuild may take to end whose command was killed
_SWAP_WITHIN: Final = 600.0  # seconds; a rebuild took longer, and its workers go on with what is left
_REST_OF_INDEXING: Final = 2.0  # seconds; there are many indexes
_REST_OF_COMPARING: Final = 1.0  # seconds; two snapshots are open, which keep PostgreSQL from tidying up
_INDEXING: Final = "making indexes"
_ALONE: Final = "SET max_parallel_maintenance_workers = 0"
_IN_PARALLEL: Final = "RESET max_parallel_maintenance_workers"
_NEAR: Final = 10_000  # records that the active generation may be ahead when a rebuild has caught up


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
    async with _chosen(settings, options) as pair, pacing(pair, options.share) as pacer:
        return await _built(pair, pacer, options, console)


async def pace_rebuild(settings: Settings, options: Options, start: Callable[[str], Process]) -> int:
    """Have another process build the generation, by `build`, and pace it meanwhile; returns its exit status.

    ``start`` is given the generation's name. Raises what `rebuild` raises before it builds.
    """
    async with _chosen(settings, options) as pair, pacing(pair, options.share) as pacer:
        await unlock_rebuild(pair.control)  # the other process locks it, so that it can't be outlived
        process = await asyncio.to_thread(start, pair.building.name)
        try:
            while (status := process.exit_code) is None:
                pacer.check()
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            await asyncio.to_thread(process.stop)
        return status


async def build(settings: Settings, options: Options, console: Console, name: str) -> Rebuilt:
    """What `rebuild` does with a chosen generation, at a low priority and the pace that another process sets."""
    lower_priority()
    async with _locked(settings) as control:
        active = next((one for one in await all_generations(control) if one.state == ACTIVE), None)
        if active is None:
            raise CannotRebuild(NoGeneration.__doc__)
        pair = GenerationPair(settings, control, active, await find_generation(control, name))
        async with following_pace(pair) as pace:
            return await _built(pair, pace, options, console)


@asynccontextmanager
async def _chosen(settings: Settings, options: Options) -> AsyncIterator[GenerationPair]:
    """The two generations, while no other rebuild can begin."""
    await upgrade(settings.database_url)
    async with _locked(settings) as control:
        yield GenerationPair(settings, control, *await chosen_generations(control, settings, options))


@asynccontextmanager
async def _locked(settings: Settings) -> AsyncIterator[Connection]:
    """A connection that keeps other rebuilds out. Raises CannotRebuild; one that was killed may just be ending."""
    async with connected(settings.database_url) as control:
        deadline = time.monotonic() + _ENDS_WITHIN
        while not await lock_rebuild(control):
            if time.monotonic() > deadline:
                raise CannotRebuild("Another rebuild is running.")
            await asyncio.sleep(_LOOK_EVERY)
        yield control


async def _built(pair: GenerationPair, pace: Pace, options: Options, console: Console) -> Rebuilt:
    if pair.building.read_models == frozenset():  # the code has fewer read models, and nothing new
        return Rebuilt(pair.active, pair.building, GenerationComparison(()), activated=await _swap(pair, options))
    async with (
        bulk_composer(pair) as composer,
        _workers(pair.settings, pair.building.name, options) as workers,
    ):
        running = _Running(workers, pace, composer)
        await _catch_up(pair, running, console)
        await note_caught_up(pair.control, pair.building.name)
        if pair.building.partial:
            return Rebuilt(pair.active, pair.building, None)
        return await _compared(pair, running, options)


async def _compared(pair: GenerationPair, running: "_Running", options: Options) -> Rebuilt:
    """Compare the two, note the result, and swap them if that is asked for and nothing speaks against it."""
    name = pair.building.name
    comparison = await compare(pair, running.check, Resting(running.share, _REST_OF_COMPARING))
    refused = comparison.refused(options.accepted)
    await note_comparison(pair.control, name, comparison.as_dict())
    if not refused:
        await note_compared(pair.control, name, orjson.dumps(comparison.differing).decode())
    # Where nobody feeds the active one any more, the other one waits, so that they can be compared again.
    if pair.active.schema_digest == pair.building.schema_digest:
        await set_hold(pair.control, name, None)
    await running.pacing.end()
    return Rebuilt(pair.active, pair.building, comparison, refused, None if refused else await _swap(pair, options))


async def _swap(pair: GenerationPair, options: Options) -> Activated | None:
    nothing_to_compare = pair.building.read_models == frozenset()
    if not options.swap:
        return None
    return await activate(pair.settings, pair.building.name, unchecked=nothing_to_compare, wait=_SWAP_WITHIN)


@asynccontextmanager
async def _workers(settings: Settings, generation: str, options: Options) -> AsyncIterator[WorkerProcesses]:
    logs, yielding = settings.data_dir / "logs", options.share != FULL
    running = worker_processes(settings, generation, options.workers, logs, yielding=yielding)
    workers = await asyncio.to_thread(running.__enter__)
    try:
        yield workers
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


@dataclass(frozen=True, slots=True)
class _Running:
    """What works on the generation that is built."""

    workers: WorkerProcesses
    pacing: Pace
    composer: BulkComposer

    def check(self) -> None:
        """Raises WorkerEnded, or what has ended the pacing."""
        self.workers.check()
        self.pacing.check()

    def share(self) -> float:
        """The share of the time that may be worked. Raises what `check` raises."""
        self.check()
        return self.pacing.pace


async def _catch_up(pair: GenerationPair, running: _Running, console: Console) -> None:
    """Return once the generation that is built has come to the hold, with all of its evidence and policies.

    First the log is folded without identity, as far as it goes now. Then the evidence, which is complete up to there,
    is resolved in large chunks, while the indexes are made that only readers need. Customer rows are made of both, and
    then indexed. The rest of the log comes last.
    """
    with progress_of(pair.building.name, console) as showing:
        loaded = await _load(pair, running, showing)
        await pair.begin_resolving(loaded)
        composed = False
        async with _indexing(pair, running) as indexing:
            hold = loaded
            while True:
                running.check()
                indexed = indexing.done() and indexing.result() is None  # raises what it has raised
                positions = await pair.positions(hold)
                showing.update(positions, running.pacing.pace, "" if indexed else _INDEXING)
                whole = reached(positions)
                if indexed and whole.done >= whole.total and not await pair.rolling_out():
                    if pair.identity_too and not composed:  # which has customers
                        await _make_customers(pair, running, showing)
                    composed = True
                    # The log may grow all the time: near is enough, since the comparison waits for the rest.
                    following = await pair.move_hold()
                    if following is None or missing(following, hold) <= _NEAR:
                        return
                    hold = following
                await asyncio.sleep(_LOOK_EVERY)


async def _make_customers(pair: GenerationPair, running: _Running, showing: Showing) -> None:
    """Make the rows of all customers, and index them."""
    await _shown(running.composer.compose(running.share), showing, "making customer rows")
    indexing = _index(pair, running, schema_of(pair.building.read_models))
    await _shown(indexing, showing, "indexing customer rows")


async def _shown(work: Coroutine[Any, Any, None], showing: Showing, what: str) -> None:
    """Do the work, and show meanwhile what it is."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            showing.doing(what)
            await asyncio.wait([task], timeout=_LOOK_EVERY)
        task.result()
    finally:
        await cancel_all(task)


async def _load(pair: GenerationPair, running: _Running, showing: Showing) -> Vector:
    """Return once the log is folded without identity as far as it went when this began; returns how far."""
    end = await pair.begin_loading()
    while not await pair.has_loaded(end):
        running.check()
        showing.update(await pair.positions(end), running.pacing.pace)
        await asyncio.sleep(_LOOK_EVERY)
    return end


@asynccontextmanager
async def _indexing(pair: GenerationPair, running: _Running) -> AsyncIterator[asyncio.Task[None]]:
    """Make the indexes that only readers need while the block runs, but those of customers, which have no rows yet.

    Returns once they are made.
    """
    schema = schema_of(pair.building.read_models)
    others = replace(schema, tables=tuple(one for one in schema.tables if one not in CUSTOMERS))
    task = asyncio.create_task(_index(pair, running, others))
    try:
        yield task
        await task
    finally:
        task.cancel()


async def _index(pair: GenerationPair, running: _Running, schema: GenerationSchema) -> None:
    resting = Resting(running.share, _REST_OF_INDEXING)
    async with connected(pair.url) as connection:

        async def between() -> None:
            await resting()
            await connection.execute(_ALONE if resting.paced else _IN_PARALLEL)

        await between()
        await index_for_readers(connection, pair.building.name, schema, between)
