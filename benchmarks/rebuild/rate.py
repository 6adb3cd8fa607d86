"""`onefold rebuild` beside a live worker that folded the same log, and what it costs the service meanwhile.

Both begin with an empty generation when the first partitions are assigned to a worker. The live worker ends with the
commit of the last event, the rebuild, which has as many workers as it takes by itself, when it has caught up, with its
indexes. The comparison comes after that, and must find no difference.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks.bed import Bed, connected
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.rebuild.beside import (
    MeasuredService,
    fold_while_reading,
    queries,
    rebuilding,
    require_loading,
    together,
    until_ended,
    until_taken,
)
from benchmarks.rebuild.usage import USAGE, peak_memory, room
from benchmarks.worker import seconds_to_fold
from projections.engine.generations import find_generation
from services.control.generations import drop
from services.control.swapping import activate
from services.embedded.ports import free_port
from services.runtime.settings import Settings
from tests.support.workload import workload

FIGURES: Final = (
    Figure("rebuild_live_events_per_s", "a live worker", "events/s"),
    Figure("rebuild_events_per_s", "a rebuild", "events/s"),
    Figure(
        "rebuild_ratio_to_live",
        "a rebuild to a live worker",
        "times",
        at_least=1,
        ratio=Ratio("rebuild_events_per_s", "rebuild_live_events_per_s"),
    ),
    Figure("rebuild_alone_events_per_s", "the live worker, with queries", "events/s"),
    Figure("rebuild_beside_events_per_s", "the same during a rebuild", "events/s"),
    Figure(
        "rebuild_live_slowed",
        "live rate alone to that during a rebuild",
        "times",
        at_most=1.25,
        ratio=Ratio("rebuild_alone_events_per_s", "rebuild_beside_events_per_s"),
    ),
    Figure("rebuild_alone_query_p99_ms", "a query beside the live worker, p99", "ms"),
    Figure("rebuild_beside_query_p99_ms", "the same during a rebuild", "ms"),
    Figure(
        "rebuild_query_slowed",
        "a query's p99 during a rebuild to that without",
        "times",
        at_most=1.25,
        ratio=Ratio("rebuild_beside_query_p99_ms", "rebuild_alone_query_p99_ms"),
    ),
    Figure("rebuild_cut_over_ms", "how long writers wait for the swap", "ms", at_most=1000),
    *USAGE,
)
_SEED: Final = 1
_MORE: Final = 5  # in each turn the live worker folds one part of so many of the log alone, and one during a rebuild
_TURNS: Final = 2


class RebuildRate:
    """Each round fills a log, folds it, rebuilds it, and rebuilds it again while the log grows."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)

    async def prepare(self, bed: Bed, size: Size) -> None:  # noqa: ARG002 - each round has a log of its own
        """Note the size."""
        self._size = size

    async def measure(self, bed: Bed, number: int) -> Round:
        """Raises BenchmarkFailed if the two generations differ."""
        prefix, events = f"bench-rebuild-{number}", self._size.events
        with bed.console.status(f"Rebuild: {events:,} events …"):
            await self._fill(bed, prefix, events, _SEED)
            async with bed.generation(f"g{number + 7}", prefix) as found:  # the next one has topics of its own
                settings = found.model_copy(update={"port": free_port()})
                live = await seconds_to_fold(bed, settings)
                again, usage = await _rebuild_alone(bed, settings)
                async with queries(bed, settings) as requests:
                    name, alone, beside = await self._by_turns(bed, settings, requests)
                swapped = await activate(settings, name)
        services = {"alone": together(alone), "beside": together(beside)}
        rates = {"live": events / live, "": events / again} | {of: one for of, (one, _) in services.items()}
        return (
            {f"rebuild_{of}_query_p99_ms": p99 for of, (_, p99) in services.items()}
            | {f"rebuild_{of}_events_per_s".replace("__", "_"): rate for of, rate in rates.items()}
            | {"rebuild_cut_over_ms": swapped.stopped * 1000}
            | dict(usage)
        )

    async def _by_turns(
        self, bed: Bed, settings: Settings, requests: Sequence[bytes]
    ) -> tuple[str, list[MeasuredService], list[MeasuredService]]:
        """The service alone and beside a rebuild, by turns, since tables grow and machines change.

        Returns the name of the generation that the last rebuild has built, too.
        """
        prefix, more = settings.topic_prefix, self._size.events // _MORE
        alone: list[MeasuredService] = []
        beside: list[MeasuredService] = []
        name = ""
        for turn in range(_TURNS):
            if name:
                await drop(settings, name)
            await self._fill(bed, prefix, more, _SEED + 1 + turn)
            alone.append(await fold_while_reading(bed, settings, requests, more))
            await self._fill(bed, prefix, more, _SEED + 1 + _TURNS + turn)
            with rebuilding(bed, settings) as process:
                name = await until_taken(settings, process)
                beside.append(await fold_while_reading(bed, settings, requests, more))
                await require_loading(settings, name)
                if turn == _TURNS - 1:
                    await until_ended(process)
        return name, alone, beside

    async def _fill(self, bed: Bed, prefix: str, events: int, seed: int) -> None:
        await bed.fill_log(prefix, workload(events, self._size.contacts, seed))

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load."""
        return {"rebuild_events": self._size.events, "rebuild_contacts": self._size.contacts}


async def _rebuild_alone(bed: Bed, settings: Settings) -> tuple[float, Mapping[str, float]]:
    """Build a generation, and drop it: how many seconds that took, and what of the machine."""
    with rebuilding(bed, settings) as process:
        name = await until_taken(settings, process)
        began = datetime.now(UTC)
        async with peak_memory(process) as memory:
            await until_ended(process)
    async with connected(settings.database_url) as connection:
        found = await find_generation(connection, name)
        usage = memory.figures() | await room(bed, connection, name, settings.topic_prefix)
    if found.caught_up_at is None:
        raise BenchmarkFailed("the rebuilt generation has not caught up")
    await drop(settings, name)
    return (found.caught_up_at - began).total_seconds(), usage
