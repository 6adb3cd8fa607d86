"""`onefold rebuild` with one worker process, beside a live worker that folded the same log, on the same servers.

The live rate is that of an empty generation, from the assignment of the partitions to the commit of the last event.
The rebuild begins when its generation is made, so the start of its worker is included, and ends when it has caught up;
the comparison comes after that, and must find no difference.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console

from benchmarks.bed import Bed, connected
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.worker import seconds_to_fold
from projections.engine.generations import find_generation
from services.rebuild.main import Options, rebuild
from services.runtime.settings import Settings
from tests.support.workload import workload

FIGURES: Final = (
    Figure("rebuild_live_events_per_s", "a live worker", "events/s"),
    Figure("rebuild_events_per_s", "a rebuild with one worker", "events/s"),
    Figure(
        "rebuild_ratio_to_live", "to live", "times", 1, ratio=Ratio("rebuild_events_per_s", "rebuild_live_events_per_s")
    ),
)
_SEED: Final = 1
_QUIET: Final = Console(stderr=True, quiet=True)


class RebuildRate:
    """Each round fills a log, folds it, and folds it again."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)

    async def prepare(self, bed: Bed, size: Size) -> None:  # noqa: ARG002 - each round has a log of its own
        """Note the size."""
        self._size = size

    async def measure(self, bed: Bed, number: int) -> Round:
        """Raises BenchmarkFailed if the two generations differ."""
        prefix = f"bench-rebuild-{number}"
        with bed.console.status(f"Rebuild: {self._size.events:,} events …"):
            await bed.fill_log(prefix, workload(self._size.events, self._size.contacts, _SEED))
            async with bed.generation(f"g{number + 7}", prefix) as settings:  # the next one has topics of its own
                live = await seconds_to_fold(bed, settings)
                again = await _seconds_to_rebuild(settings)
        return {FIGURES[0].key: self._size.events / live, FIGURES[1].key: self._size.events / again}

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load."""
        return {"rebuild_events": self._size.events, "rebuild_contacts": self._size.contacts}


async def _seconds_to_rebuild(settings: Settings) -> float:
    result = await rebuild(settings, Options(), _QUIET)
    if result.refused:
        raise BenchmarkFailed(f"the rebuilt generation differs in {', '.join(result.refused)}")
    async with connected(settings.database_url) as connection:
        found = await find_generation(connection, result.building.name)
    if found.caught_up_at is None:
        raise BenchmarkFailed("the rebuilt generation has not caught up")
    return (found.caught_up_at - found.created_at).total_seconds()
