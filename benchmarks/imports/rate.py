"""An import through the routes and a real worker, and as many members in batches to `POST /v1/events` before it.

The worker folds what it reads in both cases, as in production. The clock of the import is that of its job, from the
moment at which a worker takes it; the dry run before it is not included.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import psutil
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.bed import Bed, reading, require_running
from benchmarks.figures import BenchmarkFailed, Figure, Ratio, Round, Size
from benchmarks.imports.members import EVENTS_OF_ROW, PATH, batches, file_of, members
from benchmarks.ingest.caller import callers, request, send_all
from benchmarks.ingest.service import INGRESS, TENANT, serving
from benchmarks.worker import watching, working
from schemas.topics import CHANNEL_EVENTS
from services.control.jobs import Job, find_job
from services.control.keys import add_key
from services.control.tenants import add_tenant
from services.embedded.ports import free_port
from services.embedded.process import Process
from services.runtime.broker import ensure_topics
from services.runtime.database import open_engine
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("import_ingest_rows_per_s", "members in batches of 100 events", "rows/s"),
    Figure("import_rows_per_s", "members in a file that is imported", "rows/s"),
    Figure(
        "import_ratio_to_ingest",
        "an import beside batches of the same facts",
        "of their rate",
        at_least=0.5,
        ratio=Ratio("import_rows_per_s", "import_ingest_rows_per_s"),
    ),
    Figure("import_dry_run_rows_per_s", "the dry run of that file", "rows/s"),
    Figure("import_memory_mb", "what the worker grows by during an import", "MB", at_most=128),
)
_BATCH: Final = 100  # events
_AT_ONCE: Final = 8  # requests
_LOOK_EVERY: Final = 0.05
_MB: Final = 1 << 20


class MeasuredImport(NamedTuple):
    """Seconds of the dry run and of the run, and the bytes by which the worker grew meanwhile."""

    dry_run: float
    run: float
    grown: int


class ImportRate:
    """Each round imports as many members as there are contacts in the size."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._rows = 0

    async def prepare(self, bed: Bed, size: Size) -> None:  # noqa: ARG002 - each round has servers of its own
        """Note the size."""
        self._rows = size.contacts

    async def measure(self, bed: Bed, number: int) -> Round:
        """Raises BenchmarkFailed if a row is missing in the log or in the read models."""
        rows = self._rows
        async with (
            bed.generation(f"g{number + 80}", f"bench-import-{number}") as made,
            _prepared(made) as (settings, engine, key),
        ):
            with working(bed, settings) as worker:
                async with serving(bed, settings, INGRESS, "http-import"):
                    await _until_folded(bed, settings, worker, 0)
                    with bed.console.status(f"round {number + 1}: {rows:,} members in batches …"):
                        ingested = await _seconds_to_post(settings, list(batches(members(0, rows), _BATCH, key)))
                        await _until_folded(bed, settings, worker, rows * EVENTS_OF_ROW)
                    with bed.console.status(f"round {number + 1}: {rows:,} members in a file …"):
                        measured = await _import(_Service(settings, engine, key), worker, rows)
                        await _until_folded(bed, settings, worker, 2 * rows * EVENTS_OF_ROW)
            await _require_members(settings, 2 * rows)
        return {
            "import_ingest_rows_per_s": rows / ingested,
            "import_rows_per_s": rows / measured.run,
            "import_dry_run_rows_per_s": rows / measured.dry_run,
            "import_memory_mb": measured.grown / _MB,
        }

    def facts(self) -> Mapping[str, object]:
        """The size of the load."""
        return {"import_rows": self._rows, "import_events": self._rows * EVENTS_OF_ROW}


@asynccontextmanager
async def _prepared(made: Settings) -> AsyncIterator[tuple[Settings, AsyncEngine, str]]:
    """Yield settings with a port for HTTP, the engine, and a key of a new brand."""
    settings = made.model_copy(update={"port": free_port()})
    await ensure_topics(settings)
    async with open_engine(settings.database_url) as engine:
        await add_tenant(engine, TENANT)
        yield settings, engine, await add_key(engine, TENANT, ["events:write", "customers:write", "customers:read"])


async def _seconds_to_post(settings: Settings, requests: list[bytes]) -> float:
    async with callers(settings.port, _AT_ONCE) as made:
        began = time.perf_counter()
        await send_all(made, requests, 202)
        return time.perf_counter() - began


async def _until_folded(bed: Bed, settings: Settings, worker: Process, events: int) -> None:
    """Wait until the worker has folded the log, which must hold so many events."""
    if await bed.records_in(settings.topic_prefix, CHANNEL_EVENTS) != events:
        raise BenchmarkFailed(f"the log does not hold {events:,} events")
    async with watching(settings) as watch:
        await watch.until(worker, lambda at: at.taken > 0 and at.events == events)


class _Service(NamedTuple):
    """The measured service, and a key of the brand."""

    settings: Settings
    engine: AsyncEngine
    key: str

    async def send(self, path: str, body: bytes = b"") -> Any:
        """The answer's JSON. Raises BenchmarkFailed for another status than 202."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "text/csv"}
        async with callers(self.settings.port, 1) as [caller]:
            answer = await caller.call(request("POST", path, headers, body))
        if answer.status != 202:
            raise BenchmarkFailed(f"the service answered {answer.status}: {answer.body[:300]!r}")
        return orjson.loads(answer.body)


async def _import(service: _Service, worker: Process, rows: int) -> MeasuredImport:
    """Import as many new members as were posted."""
    memory = _Memory(worker)
    upload = await service.send(PATH, file_of(members(rows, rows)))
    dry_run = await _finished(service.engine, upload["runs"][0]["job"], rows, memory)
    ran = await service.send(f"/v1/imports/{upload['id']}/run")
    run = await _finished(service.engine, ran["runs"][0]["job"], rows, memory)
    return MeasuredImport(_seconds(dry_run), _seconds(run), memory.grown)


async def _finished(engine: AsyncEngine, job_id: str, rows: int, memory: "_Memory") -> Job:
    """Wait for a job of an import. Raises BenchmarkFailed unless it found that all rows are of new members."""
    while (job := await find_job(engine, UUID(job_id))).finished_at is None:
        memory.look()
        await asyncio.sleep(_LOOK_EVERY)
    if job.state != "done" or job.result["counts"]["created"] != rows:
        raise BenchmarkFailed(f"the import is {job.state}: {job.problem or job.result['counts']}")
    return job


def _seconds(job: Job) -> float:
    if job.started_at is None or job.finished_at is None:
        raise BenchmarkFailed("the job has no times")
    return (job.finished_at - job.started_at).total_seconds()


class _Memory:
    """The resident memory of a process, as far as it was looked at."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._before = self._peak = self._resident()

    def look(self) -> None:
        """Look at it. Raises BenchmarkFailed if the process has ended."""
        self._peak = max(self._peak, self._resident())

    @property
    def grown(self) -> int:
        """The greatest number of bytes above those of the beginning."""
        return self._peak - self._before

    def _resident(self) -> int:
        require_running(self._process)
        return psutil.Process(self._process.pid).memory_info().rss


async def _require_members(settings: Settings, number: int) -> None:
    async with reading(settings) as connection:
        found = await connection.fetchval("SELECT count(*) FROM contacts WHERE channel = 'crm'")
    if found != number:
        raise BenchmarkFailed(f"the read models hold {found:,} members of {number:,}")
