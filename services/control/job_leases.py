"""Running jobs: taking one, saving its steps, and ending it. Only the attempt that took it last can do so.

A worker that takes a job holds it for a time, the lease, and renews it. A job whose lease has run out is taken by
another worker, as a further attempt: from then on, whatever the former attempt does is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import BULK_ITEMS, JOB_FILES, JOBS
from services.control.errors import JobLost
from services.control.job_files import FilePart, drop_parts, save_parts
from services.control.jobs import Job, job_in
from services.runtime.database import read

_LOCK: Final = 0x6A6F6273  # of PostgreSQL's advisory locks, held while somebody chooses a job
_NOW: Final = sa.func.clock_timestamp()
_KEPT_FOR: Final = timedelta(days=90)  # a finished job's row
_PRUNED_AT_ONCE: Final = 100  # jobs
_ITEMS_FOR: Final = timedelta(days=2)  # what a bulk action changed, after its end; it is undone within a day of that
_ITEMS_AT_ONCE: Final = 10_000


class WorkDone(NamedTuple):
    """How far a job is: so many of so many, and where a further attempt would go on; None: it would start anew.

    ``result`` is JSON that says what it has found or done so far, for people.
    """

    done: int
    total: int | None
    checkpoint: Any = None
    result: Any = None


class Queue(NamedTuple):
    """The jobs of one kind: how many wait and run, and for how many seconds the one has waited that waited longest."""

    waiting: int
    running: int
    oldest: float


class MadeFile(NamedTuple):
    """The whole file of a job that is done, of ``size`` bytes; it is kept for so many days."""

    name: str
    type: str
    size: int
    sha256: bytes
    days: int


async def take_job(engine: AsyncEngine, kinds: Collection[str], lease: float, per_tenant: int) -> Job | None:
    """The job whose turn it is, now running for ``lease`` seconds; None if there is none.

    Tenants take turns: first comes the one that has the fewest running, and of these the one whose latest job was
    started first. No tenant has more than ``per_tenant`` running.
    """
    running = JOBS.alias("running")
    is_running = sa.and_(running.c.tenant == JOBS.c.tenant, running.c.state == "running", running.c.leased_until > _NOW)
    at_work = sa.select(sa.func.count()).select_from(running).where(is_running).scalar_subquery()
    others = JOBS.alias("others")
    latest = sa.select(sa.func.max(others.c.started_at)).where(others.c.tenant == JOBS.c.tenant).scalar_subquery()
    chosen = (
        sa.select(JOBS.c.job_id, JOBS.c.state)
        .where(
            JOBS.c.finished_at.is_(None),
            JOBS.c.kind.in_(list(kinds)),
            sa.or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= _NOW),
            at_work < per_tenant,
        )
        .order_by(at_work, latest.asc().nulls_first(), JOBS.c.requested_at, JOBS.c.job_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=JOBS)
    )
    async with engine.begin() as connection:
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))  # who counts sees who was taken
        found = (await connection.execute(chosen)).first()
        if found is None:
            return None
        taken = (
            sa.update(JOBS)
            .where(JOBS.c.job_id == found.job_id)
            .values(
                state="running",
                attempt=JOBS.c.attempt + 1,
                interruptions=JOBS.c.interruptions + int(found.state == "running"),
                started_at=_NOW,
                leased_until=_NOW + timedelta(seconds=lease),
                done=sa.case((JOBS.c.checkpoint.is_(None), 0), else_=JOBS.c.done),
            )
            .returning(*JOBS.c)
        )
        job = job_in((await connection.execute(taken)).one())
        if job.checkpoint is None:
            await drop_parts(connection, job.job_id)
        return job


async def renew_lease(engine: AsyncEngine, job: Job, lease: float) -> None:
    """Hold the job for ``lease`` seconds from now. Raises JobLost."""
    async with engine.begin() as connection:
        await _change(connection, job, leased_until=_NOW + timedelta(seconds=lease))


async def save_step(
    engine: AsyncEngine, job: Job, lease: float, progress: WorkDone, parts: Sequence[FilePart] = ()
) -> None:
    """Save a step of the job and what it wrote, and hold the job for ``lease`` seconds. Raises JobLost."""
    checkpoint = _json(progress.checkpoint)
    values = {
        "done": progress.done,
        "total": progress.total,
        "checkpoint": checkpoint,
        "result": _json(progress.result),
    }
    async with engine.begin() as connection:
        await _change(connection, job, leased_until=_NOW + timedelta(seconds=lease), **values)
        await save_parts(connection, job.job_id, parts)


async def finish_job(
    engine: AsyncEngine, job: Job, progress: WorkDone, parts: Sequence[FilePart], file: MadeFile | None
) -> None:
    """Save the last step; the job is done. Without a file, what was stored of one is deleted. Raises JobLost."""
    values: dict[str, Any] = {"state": "done", "done": progress.done, "total": progress.total}
    values["result"] = _json(progress.result)
    if file is not None:
        expires_at = _NOW + timedelta(days=file.days)
        values |= {f"file_{name}": getattr(file, name) for name in ("name", "type", "size", "sha256")}
        values["file_expires_at"] = expires_at
    async with engine.begin() as connection:
        await _change(connection, job, finished_at=_NOW, checkpoint=sa.null(), **values)
        if file is None:
            await drop_parts(connection, job.job_id)
        else:
            await save_parts(connection, job.job_id, parts)


async def fail_job(engine: AsyncEngine, job: Job, problem: Mapping[str, Any]) -> None:
    """The job has failed, for the reason in the problem document. Raises JobLost."""
    async with engine.begin() as connection:
        await _change(connection, job, state="failed", finished_at=_NOW, checkpoint=sa.null(), problem=problem)
        await drop_parts(connection, job.job_id)


async def give_back_job(engine: AsyncEngine, job: Job, *, interrupted: bool, wait: float = 0) -> None:
    """Let another attempt begin ``wait`` seconds from now, where this one is not to blame. Raises JobLost."""
    interruptions = JOBS.c.interruptions + int(interrupted)
    leased_until = _NOW + timedelta(seconds=wait)
    async with engine.begin() as connection:
        await _change(connection, job, state="waiting", leased_until=leased_until, interruptions=interruptions)


async def queues(engine: AsyncEngine) -> dict[str, Queue]:
    """The queue of each kind that has jobs which are not finished. A job waits again when its lease has run out."""
    held = sa.and_(JOBS.c.state == "running", sa.func.coalesce(JOBS.c.leased_until > _NOW, sa.false()))
    since = sa.func.greatest(JOBS.c.requested_at, JOBS.c.leased_until)  # PostgreSQL leaves out what is null
    waited = sa.func.max(sa.extract("epoch", _NOW - since)).filter(sa.not_(held))
    query = (
        sa.select(
            JOBS.c.kind,
            sa.func.count().filter(sa.not_(held)).label("waiting"),
            sa.func.count().filter(held).label("running"),
            sa.func.greatest(waited, 0).label("oldest"),
        )
        .where(JOBS.c.finished_at.is_(None))
        .group_by(JOBS.c.kind)
    )
    found = await read(engine, query)
    return {row["kind"]: Queue(row["waiting"], row["running"], float(row["oldest"])) for row in found}


async def prune_jobs(engine: AsyncEngine) -> None:
    """Delete some of the files that have expired, of what can't be undone any more, and of jobs that ended long ago."""
    expired = (
        sa.select(JOB_FILES.c.job_id)
        .join(JOBS, JOBS.c.job_id == JOB_FILES.c.job_id)
        .where(JOBS.c.file_expires_at <= _NOW)
        .limit(_PRUNED_AT_ONCE)
    )
    old = sa.select(JOBS.c.job_id).where(JOBS.c.finished_at <= _NOW - _KEPT_FOR).limit(_PRUNED_AT_ONCE)
    async with engine.begin() as connection:
        await connection.execute(sa.delete(JOB_FILES).where(JOB_FILES.c.job_id.in_(expired)))
    undoing = JOBS.alias("undoing")
    is_undone = sa.exists().where(undoing.c.job_id == JOBS.c.undone_by, undoing.c.finished_at.is_(None))
    settled = (
        sa.select(BULK_ITEMS.c.job_id, BULK_ITEMS.c.number)
        .join(JOBS, JOBS.c.job_id == BULK_ITEMS.c.job_id)
        .where(JOBS.c.finished_at <= _NOW - _ITEMS_FOR, sa.not_(is_undone))
        .limit(_ITEMS_AT_ONCE)
    )
    async with engine.begin() as connection:
        key = sa.tuple_(BULK_ITEMS.c.job_id, BULK_ITEMS.c.number)
        await connection.execute(sa.delete(BULK_ITEMS).where(key.in_(settled)))
    async with engine.begin() as connection:
        await connection.execute(sa.delete(JOBS).where(JOBS.c.job_id.in_(old)))


async def _change(connection: AsyncConnection, job: Job, **values: Any) -> None:
    """Change the row, unless the job is no longer this attempt's."""
    changed = await connection.execute(
        sa.update(JOBS)
        .where(JOBS.c.job_id == job.job_id, JOBS.c.attempt == job.attempt, JOBS.c.state == "running")
        .values(**values)
    )
    if not changed.rowcount:
        raise JobLost(JobLost.__doc__)


def _json(value: Any) -> Any:
    return sa.null() if value is None else value
