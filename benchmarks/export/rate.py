"""An export of all customers, as a worker makes it, in turns with COPY of the same rows to nowhere.

The export includes what COPY leaves out: cells as they are shown, and the file's parts in PostgreSQL.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple

import psutil

from benchmarks.bed import Bed, generation_of, reading
from benchmarks.export.population import STORED_ROWS, TENANT, fill
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from projections.engine.connection import Connection
from projections.exports.order import ExportOrder
from projections.exports.requests import EXPORT, ExportRequest
from services.control import job_leases
from services.control.jobs import add_job, find_job
from services.control.tenants import add_tenant
from services.runtime.database import dedicated_connection, open_engine
from services.runtime.settings import Settings
from services.worker.background.job_runner import JobRunner
from services.worker.jobs.export import Export

FIGURES: Final = (
    Figure("export_copy_rows_per_s", "COPY of an export's rows", "rows/s"),
    Figure("export_rows_per_s", "an export as CSV", "rows/s"),
    Figure(
        "export_ratio_to_copy",
        "an export to COPY",
        "times",
        at_least=0.5,
        ratio=Ratio("export_rows_per_s", "export_copy_rows_per_s"),
    ),
    Figure("export_memory_mb", "what the process grows by during an export", "MB", at_most=64),
)
_ORDER: Final = ExportOrder.model_validate({"filter": {"contacts": {"gte": 1}}, "attributes": ["points", "size"]})
_SAMPLE_EVERY: Final = 0.01
_MB: Final = 1 << 20


class MeasuredExport(NamedTuple):
    """Seconds, and the bytes by which the process grew meanwhile."""

    seconds: float
    grown: int


class ExportRate:
    """Each round exports as many customers as there are contacts in the size."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._size = Size(0, 0, 0)

    async def prepare(self, bed: Bed, size: Size) -> None:  # noqa: ARG002 - each round has rows of its own
        """Note the size."""
        self._size = size

    async def measure(self, bed: Bed, number: int) -> Round:
        """Raises BenchmarkFailed if the file has other rows than there are."""
        rows = self._size.contacts
        with bed.console.status(f"Export: {rows:,} customers …"):
            async with bed.generation(f"g{number + 40}", f"bench-export-{number}") as settings:
                async with reading(settings) as connection:
                    await fill(connection, rows)
                    copied = await seconds_to_copy(connection)
                exported = await export_all(settings, generation_of(settings), rows)
        return {
            "export_copy_rows_per_s": rows / copied,
            "export_rows_per_s": rows / exported.seconds,
            "export_memory_mb": exported.grown / _MB,
        }

    def facts(self) -> Mapping[str, object]:
        """The size of the load."""
        return {"export_rows": self._size.contacts}


def request_now() -> ExportRequest:
    """An export of all customers, asked for now."""
    return ExportRequest(_ORDER, _ORDER.filter, ["points", "size"], time.time_ns() // 1_000_000)


async def seconds_to_copy(connection: Connection) -> float:
    """How long COPY takes for what the export shows, as it is stored."""
    began = time.monotonic()
    await connection.copy_from_query(STORED_ROWS, TENANT, output=_nowhere)
    return time.monotonic() - began


async def export_all(settings: Settings, generation: str, rows: int) -> MeasuredExport:
    """Have an export made by a runner of jobs in this process. Raises BenchmarkFailed."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        async with dedicated_connection(settings.database_url, schema=generation, silent_for=60) as connection:
            yield connection

    runner = JobRunner(settings.database_url, connect, [Export(connect)], file_days=1)
    async with open_engine(settings.database_url) as engine:
        await add_tenant(engine, TENANT)
        await add_job(engine, TENANT, EXPORT, request_now().parameters, total=rows, requested_by="the benchmark")
        job = await job_leases.take_job(engine, [EXPORT], 60, 1)
        if job is None:
            raise BenchmarkFailed("the export was not taken")
        measured = await _measured(asyncio.create_task(runner.run_job(engine, job)))
        made = await find_job(engine, job.job_id)
    if (made.state, made.done) != ("done", rows):
        raise BenchmarkFailed(f"the export is {made.state} with {made.done} rows of {rows}")
    return measured


async def _measured(work: "asyncio.Task[None]") -> MeasuredExport:
    memory = partial(lambda process: process.memory_info().rss, psutil.Process())
    before, began, peak = memory(), time.monotonic(), 0
    while not work.done():
        await asyncio.wait({work}, timeout=_SAMPLE_EVERY)
        peak = max(peak, memory())
    await work
    return MeasuredExport(time.monotonic() - began, max(0, peak - before))


async def _nowhere(_: bytes) -> None:
    """Take bytes, and keep none."""
