"""One `onefold worker`, as `onefold up` runs it, timed by the table of offsets that it writes.

The clock starts when the worker has acquired its partitions (before it reads anything) and stops when the offsets of
both topics are at their ends: the channel events are folded, and their evidence, which the contacts agent passes on
before it commits, is resolved. The offsets are read every 20 ms.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.bed import Bed, reading, require_running
from benchmarks.figures import BenchmarkFailed
from projections.migrations.tables import OUTBOX
from schemas.topics import CHANNEL_EVENTS, IDENTITY_EVIDENCE
from services.embedded.process import Process
from services.runtime.settings import Settings

WORKER: Final = ("-c", "from services.cli import app; app()", "worker")
_LOOK_EVERY: Final = 0.02
_QUIET: Final = 120.0
_POSITIONS: Final = f"""
SELECT coalesce(sum(epoch), 0)::bigint,
    coalesce(sum(next_offset) FILTER (WHERE topic LIKE '%.{CHANNEL_EVENTS.name}'), 0)::bigint,
    coalesce(sum(next_offset) FILTER (WHERE topic LIKE '%.{IDENTITY_EVIDENCE.name}'), 0)::bigint
FROM offsets
"""


class Positions(NamedTuple):
    """How often partitions were acquired, and how many records of each topic are done."""

    taken: int
    events: int
    evidence: int


class Folded(NamedTuple):
    """How many seconds a worker took, when it was through by the monotonic clock, and its process.

    ``cpu_seconds`` is its processor time meanwhile.
    """

    seconds: float
    ended: float
    process: Process
    cpu_seconds: float


@contextlib.contextmanager
def working(bed: Bed, settings: Settings, *command: str) -> Iterator[Process]:
    """Run a worker on the generation until the block ends; ``command`` are Python's arguments for another one."""
    with bed.process(settings, f"worker-{settings.topic_prefix}", *(command or WORKER)) as process:
        yield process


async def seconds_to_fold(bed: Bed, settings: Settings, *command: str) -> float:
    """Return how many seconds a worker takes from the generation's offsets to the end of the log; see `working`."""
    async with folding(bed, settings, *command) as folded:
        return folded.seconds


@contextlib.asynccontextmanager
async def folding(bed: Bed, settings: Settings, *command: str) -> AsyncIterator[Folded]:
    """Yield the same once the log is folded; the worker runs until the block ends."""
    events = await bed.records_in(settings.topic_prefix, CHANNEL_EVENTS)
    async with watching(settings) as watch:
        before = watch.at
        with working(bed, settings, *command) as process:
            began = await watch.until(process, lambda at: at.taken > before.taken)
            used_before = _cpu_seconds(process)
            await watch.until(process, lambda at: at.events == events)
            # Only now the number of evidence records is known. The clock runs on; reading the offsets is not included.
            ends = asyncio.ensure_future(bed.records_in(settings.topic_prefix, IDENTITY_EVIDENCE))
            ended = await watch.until(process, lambda at: ends.done() and at.evidence == ends.result())
            yield Folded(ended - began, ended, process, _cpu_seconds(process) - used_before)


def _cpu_seconds(process: Process) -> float:
    """Return the processor time of a running process. Raises BenchmarkFailed if it has ended."""
    require_running(process)
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


async def rest(settings: Settings) -> None:
    """Empty the outbox, and do PostgreSQL's housekeeping, so that neither is measured."""
    async with reading(settings) as connection:
        await connection.execute(f"TRUNCATE {OUTBOX.fullname}")
        await connection.execute("VACUUM ANALYZE")


@contextlib.asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator["Watch"]:
    """Yield a watch on the generation's offsets, which were read once."""
    async with reading(settings) as connection:
        watch = Watch(await connection.prepare(_POSITIONS))
        await watch.look()
        yield watch


class Watch:
    """The latest positions, and the time at which they were first read."""

    def __init__(self, query: Any) -> None:
        self._query = query
        self.at = Positions(0, 0, 0)
        self.moved = time.monotonic()

    async def look(self) -> None:
        """Read the positions."""
        at = Positions(*await self._query.fetchrow())
        if at != self.at:
            self.at, self.moved = at, time.monotonic()

    async def until(self, process: Process, reached: Callable[[Positions], bool]) -> float:
        """Wait until ``reached`` holds; return when the positions last moved. Raises BenchmarkFailed if they stay."""
        while not reached(self.at):
            await asyncio.sleep(_LOOK_EVERY)
            await self.look()
            require_running(process)
            if time.monotonic() - self.moved > _QUIET:
                raise BenchmarkFailed(f"the worker has not moved for {_QUIET:.0f} s: {self.at}")
        return self.moved
