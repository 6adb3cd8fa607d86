"""Evidence resolved by as many workers as there are processors, as by `onefold up --workers N`.

Each has its share of the partitions, so a brand has still one writer. All have acquired partitions of an empty log
before the evidence is put into it. Meanwhile a lock keeps them from resolving any: they can fetch, and decode some. The
clock starts when it is released.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import httpx

from benchmarks.bed import Bed, KeyAndValue, reading, require_running
from benchmarks.figures import BenchmarkFailed
from benchmarks.worker import WORKER, watching
from projections.identity.tables import STATEMENTS
from schemas.topics import IDENTITY_EVIDENCE
from services.embedded.ports import free_port
from services.embedded.process import Process
from services.rebuild.worker_processes import useful_workers
from services.runtime.settings import Settings

_OWNED: Final = "onefold_partitions_owned{"
_LOOK_EVERY: Final = 0.2
_WITHIN: Final = 120.0


async def run(bed: Bed, settings: Settings, records: Sequence[KeyAndValue]) -> float:
    """Return their events/s. Raises BenchmarkFailed."""
    prefix = settings.topic_prefix
    await bed.fill_log(prefix, (), IDENTITY_EVIDENCE)
    async with watching(settings) as watch:
        with ExitStack() as running:
            workers: dict[str, Process] = {}
            for number in range(useful_workers(settings)):
                own = settings.model_copy(update={"worker_port": free_port()})
                process = running.enter_context(bed.process(own, f"worker-{prefix}-{number}", *WORKER))
                workers[f"http://127.0.0.1:{own.worker_port}/metrics"] = process
            await _until_all_own(workers)
            async with reading(settings) as connection, connection.transaction():
                await connection.execute(f"LOCK TABLE {STATEMENTS.name} IN ACCESS EXCLUSIVE MODE")
                events = await bed.fill_log(prefix, records, IDENTITY_EVIDENCE)
            began = time.monotonic()
            ended = await watch.until(next(iter(workers.values())), lambda at: at.evidence == events)
    return events / (ended - began)


async def _until_all_own(workers: dict[str, Process]) -> None:
    """Wait until each worker says that it owns partitions. Raises BenchmarkFailed."""
    deadline = time.monotonic() + _WITHIN
    async with httpx.AsyncClient(trust_env=False) as client:
        for url, process in workers.items():
            while not await _owns(client, url):
                require_running(process)
                if time.monotonic() > deadline:
                    raise BenchmarkFailed(f"a worker has no partitions after {_WITHIN:.0f} s")
                await asyncio.sleep(_LOOK_EVERY)


async def _owns(client: httpx.AsyncClient, url: str) -> bool:
    try:
        page = (await client.get(url)).text
    except httpx.TransportError:  # it is starting
        return False
    return any(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(_OWNED))
