"""What a rebuild costs the service: the live worker's rate, and queries, alone and while a rebuild folds the log.

In each case the live worker folds as many new events, while contacts are read one after the other at a steady pace.
The rebuild has the log of before to fold, and must be at it from the first to the last moment. It is the command, in a
process of its own, so that nothing of it delays the reader here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final, NamedTuple

from benchmarks.bed import Bed, connected, reading
from benchmarks.figures import BenchmarkFailed
from benchmarks.identity.hub import percentile
from benchmarks.ingest.caller import Caller, callers, request
from benchmarks.ingest.service import ONE_PORT, serving
from benchmarks.worker import rest, seconds_to_fold
from projections.engine.generation_records import BUILDING
from projections.engine.generations import all_generations
from services.control.keys import add_key
from services.embedded.process import Process, log_tail
from services.runtime.database import open_engine
from services.runtime.settings import Settings
from tests.support.workload import TENANT

_READ: Final = 500  # contacts
_PAUSE: Final = 0.01  # seconds between the ends of two requests and the next one
_LOOK_EVERY: Final = 0.02
_ENDS_WITHIN: Final = 3600.0
_COMMAND: Final = ("-c", "from services.cli import app; app()", "rebuild")


class MeasuredService(NamedTuple):
    """In how many seconds the live worker folded so many events, and how long each query took meanwhile, in seconds."""

    events: int
    seconds: float
    queries: Sequence[float]


def together(parts: Sequence[MeasuredService]) -> tuple[float, float]:
    """How fast the live worker was, in events a second, and the 99th percentile of all queries, in ms."""
    rate = sum(one.events for one in parts) / sum(one.seconds for one in parts)
    return rate, percentile([time for one in parts for time in one.queries], 0.99) * 1000


@asynccontextmanager
async def queries(bed: Bed, settings: Settings) -> AsyncIterator[list[bytes]]:
    """Run the HTTP service on the generation; yield requests for some of its contacts."""
    async with open_engine(settings.database_url) as engine:
        key = await add_key(engine, TENANT, ["customers:read"])
    async with reading(settings) as connection:
        found = await connection.fetch("SELECT channel, account, uid FROM contacts ORDER BY contact_id LIMIT $1", _READ)
    async with serving(bed, settings, ONE_PORT):
        yield [request("GET", f"/v1/contacts/{'/'.join(one)}", {"authorization": f"Bearer {key}"}) for one in found]


async def fold_while_reading(bed: Bed, settings: Settings, requests: Sequence[bytes], events: int) -> MeasuredService:
    """Fold what is left of the log, which is so many events, by a live worker while contacts are read.

    PostgreSQL's housekeeping is done before: else its moment, after so many new rows, would decide what is measured.
    """
    await rest(settings)
    times: list[float] = []
    async with callers(settings.port, 1) as [caller]:
        reader = asyncio.create_task(_read(caller, requests, times))
        try:
            seconds = await seconds_to_fold(bed, settings)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
    return MeasuredService(events, seconds, times)


async def _read(caller: Caller, requests: Sequence[bytes], times: list[float]) -> None:
    while True:
        for one in requests:
            began = time.perf_counter()
            response = await caller.call(one)
            times.append(time.perf_counter() - began)
            if response.status != 200:
                raise BenchmarkFailed(f"a query was answered with {response.status}")
            await asyncio.sleep(_PAUSE)


@contextmanager
def rebuilding(bed: Bed, settings: Settings) -> Iterator[Process]:
    """Run `onefold rebuild`, with the workers that it takes by itself, until the block ends."""
    with bed.process(settings, f"rebuild-{settings.topic_prefix}", *_COMMAND) as process:
        yield process


async def until_ended(process: Process) -> None:
    """Wait until the rebuild has ended. Raises BenchmarkFailed if it failed, or found a difference."""
    status = await asyncio.to_thread(process.wait, _ENDS_WITHIN)
    if status != 0:
        raise BenchmarkFailed(f"the rebuild ended with {status}. {log_tail(process.program.log)}")


async def until_taken(settings: Settings, process: Process) -> str:
    """Wait until workers have acquired partitions of the generation that is built; returns its name.

    Raises BenchmarkFailed if the rebuild has ended before.
    """
    async with connected(settings.database_url) as connection:
        while process.exit_code is None:
            for one in await all_generations(connection):
                taken = one.state == BUILDING and await connection.fetchval(f"SELECT count(*) FROM {one.name}.offsets")
                if taken:
                    return one.name
            await asyncio.sleep(_LOOK_EVERY)
    raise BenchmarkFailed(f"the rebuild ended at once. {log_tail(process.program.log)}")


async def require_loading(settings: Settings, name: str) -> None:
    """Require that the generation has not caught up yet."""
    async with connected(settings.database_url) as connection:
        known = {one.name: one for one in await all_generations(connection)}
    if known[name].caught_up_at is not None:
        raise BenchmarkFailed("the rebuild ended before the live worker did; more --events are needed")
