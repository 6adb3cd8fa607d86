"""Runs jobs, such as exports: a few at a time in each worker of the active generation, and tenants take turns.

A job goes on when its worker is gone: the lease runs out, and another worker takes it (`services.control.job_leases`).
One that was interrupted several times is given up, since it may be the cause.
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import aclosing, suppress
from typing import Any, Final

import structlog

from projections.engine.connection import Connection
from projections.identity.outbox import is_active
from services.control import job_leases
from services.control.errors import JobLost
from services.control.job_files import FileCutter, stored_so_far
from services.control.job_leases import MadeFile, Queue, WorkDone
from services.control.jobs import Job
from services.runtime import metrics
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS, Engine, is_transient, open_engine
from services.runtime.problems import INTERNAL, Kind, document
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting
from services.worker.jobs.kind import JobKind, JobRefused

log = structlog.get_logger(__name__)

MOST_INTERRUPTIONS: Final = 5
_EVERY: Final = 1.0  # seconds between looks for a job
_LEASE: Final = 30.0  # seconds
_AT_ONCE: Final = 3  # jobs of one worker
_PER_TENANT: Final = 2  # of all workers; fewer than one worker runs, so that there is room for another tenant's
_PRUNE_EVERY: Final = 60.0
_COUNT_EVERY: Final = 15.0
_AGAIN_AFTER: Final = 5.0  # seconds, when PostgreSQL was away
_GIVE_BACK_WITHIN: Final = 5.0
_INTERRUPTED: Final = Kind("job-interrupted", "The job was interrupted again and again", 500)


class JobRunner:
    """Runs jobs of some kinds; see BackgroundService. A file that a job makes is kept for ``file_days``."""

    def __init__(  # noqa: PLR0913 - each has a default but what it works with
        self,
        url: str,
        connect: Connect,
        kinds: Iterable[JobKind],
        *,
        file_days: int,
        every: float = _EVERY,
        lease: float = _LEASE,
        at_once: int = _AT_ONCE,
    ) -> None:
        """``every`` and ``lease`` are seconds; ``at_once`` is how many jobs run here at a time."""
        self._url = url
        self._connect = connect
        self._kinds = {kind.name: kind for kind in kinds}
        self._file_days = file_days
        self._every = every
        self._lease = lease
        self._at_once = at_once

    def wake(self) -> None:
        """No-op: jobs do not come from chunks, so it polls."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(self._connect, self._serve, every=self._every, interrupted="jobs_interrupted")

    async def _serve(self, connection: Connection) -> None:
        """Take jobs and run them, as long as the connection's generation is the active one."""
        running: set[asyncio.Task[None]] = set()
        pruned = counted = 0.0
        async with open_engine(self._url, name="onefold-jobs", max_size=2 * self._at_once) as engine:
            try:
                while True:
                    if time.monotonic() >= pruned + _PRUNE_EVERY:
                        await job_leases.prune_jobs(engine)
                        pruned = time.monotonic()
                    if time.monotonic() >= counted + _COUNT_EVERY:
                        await self.count_jobs(engine)
                        counted = time.monotonic()
                    job = await self._next(engine, connection) if len(running) < self._at_once else None
                    if job is not None:
                        running.add(asyncio.create_task(self.run_job(engine, job)))
                        continue
                    await asyncio.sleep(self._every)
                    running = {task for task in running if not task.done()}
            finally:
                await cancel_all(*running)

    async def count_jobs(self, engine: Engine) -> None:
        """Count the jobs that wait and run, for the metrics."""
        found = await job_leases.queues(engine)
        for kind in self._kinds:
            queue = found.get(kind, Queue(0, 0, 0))
            metrics.JOBS_WAITING.labels(kind).set(queue.waiting)
            metrics.JOBS_RUNNING.labels(kind).set(queue.running)
            metrics.JOBS_OLDEST.labels(kind).set(queue.oldest)

    async def _next(self, engine: Engine, connection: Connection) -> Job | None:
        if not await is_active(connection):
            return None
        return await job_leases.take_job(engine, self._kinds, self._lease, _PER_TENANT)

    async def run_job(self, engine: Engine, job: Job) -> None:
        """Run a job that was taken, to its end or until this attempt ends. Whatever goes wrong is the job's."""
        log.info("job_began", job=str(job.job_id), kind=job.kind, attempt=job.attempt)
        try:
            with metrics.JOB_SECONDS.labels(job.kind).time():
                await self._run_held(engine, job)
            log.info("job_ended", job=str(job.job_id), kind=job.kind, state="done")
        except JobLost:
            log.info("job_lost", job=str(job.job_id), kind=job.kind)
        except JobRefused as error:
            await self._fail(engine, job, error.problem)
        except asyncio.CancelledError:
            await self._give_back(engine, job, interrupted=False)
            raise
        except Exception as error:
            if is_transient(error):
                log.warning("job_interrupted", job=str(job.job_id), kind=job.kind, error=type(error).__name__)
                await self._give_back(engine, job, interrupted=True)
            else:
                log.exception("job_failed", job=str(job.job_id), kind=job.kind)
                detail = "Ask for it again; the worker's log has the reason beside the id of the job."
                await self._fail(engine, job, document(INTERNAL, detail))

    async def _run_held(self, engine: Engine, job: Job) -> None:
        """Do the steps that are left, and hold the job meanwhile. Raises JobLost, and what the steps raise."""
        if job.interruptions > MOST_INTERRUPTIONS:
            raise JobRefused(document(_INTERRUPTED, "Ask for it again; if it fails again, ask for less at once."))
        work = asyncio.create_task(self._do_steps(engine, job))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=self._lease / 3)
                if not work.done():
                    await job_leases.renew_lease(engine, job, self._lease)
            await work
        finally:
            await cancel_all(work)

    async def _do_steps(self, engine: Engine, job: Job) -> None:
        kind = self._kinds[job.kind]
        cutter = FileCutter() if job.checkpoint is None else await stored_so_far(engine, job.job_id)
        progress = WorkDone(job.done, job.total, job.checkpoint, job.result)
        async with aclosing(kind.steps(job)) as steps:
            async for step in steps:
                metrics.JOB_ROWS.labels(job.kind).inc(max(0, step.progress.done - progress.done))
                progress = step.progress
                parts = cutter.write(step.content)
                if progress.checkpoint is not None:
                    parts += cutter.rest()
                await job_leases.save_step(engine, job, self._lease, progress, parts)
        named = kind.file_of(job, progress.result)
        file = None if named is None else MadeFile(*named, cutter.size, cutter.sha256, self._file_days)
        await job_leases.finish_job(engine, job, progress, cutter.rest(), file)

    async def _fail(self, engine: Engine, job: Job, problem: dict[str, Any]) -> None:
        log.info("job_ended", job=str(job.job_id), kind=job.kind, state="failed", problem=problem["type"])
        with suppress(JobLost, *DATABASE_ERRORS):  # the lease runs out, and it fails then
            await job_leases.fail_job(engine, job, problem)
            metrics.JOBS_FAILED.labels(job.kind).inc()

    async def _give_back(self, engine: Engine, job: Job, *, interrupted: bool) -> None:
        wait = _AGAIN_AFTER if interrupted else 0
        with suppress(JobLost, TimeoutError, *DATABASE_ERRORS):  # the lease runs out all the same
            async with asyncio.timeout(_GIVE_BACK_WITHIN):
                await job_leases.give_back_job(engine, job, interrupted=interrupted, wait=wait)
