"""Long work as rows: what people do with jobs. `job_leases` has what the worker that runs them does.

A job is *waiting* until a worker takes it, then *running*, and in the end *done*, *failed* or *cancelled*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import JOB_FILES, JOBS
from services.control.errors import AlreadyUndone, JobFinished, TooManyJobs, UnknownJob, translated, unknown_tenant
from services.runtime.database import read, read_one

MOST_UNFINISHED: Final = 100  # jobs of one tenant
_UNFINISHED: Final = JOBS.c.finished_at.is_(None)
REBUILD: Final = "rebuild"  # the kind of jobs that build the read models of all tenants anew
ERASURE: Final = "erasure"  # the kind of jobs that erase people; they are not cancelled
_NO_JOB: Final = "there is no such job"


@dataclass(frozen=True, slots=True)
class JobFile:
    """The file that a job made, of ``size`` bytes with this ``sha256``; it is kept until ``expires_at``."""

    name: str
    type: str
    size: int
    sha256: bytes
    expires_at: datetime

    @property
    def is_kept(self) -> bool:
        """Whether it can still be read."""
        return self.expires_at > datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    ``parameters`` and ``checkpoint`` are JSON whose meaning the kind knows; ``checkpoint`` is None for work that starts
    anew. ``total`` is None while nobody knows how much there is to do. ``problem`` is a problem document that says why
    it failed; ``result`` has what came of it so far, and ``undone_by`` is the job that undoes it. Every time that it is
    taken, ``attempt`` goes up; ``interruptions`` counts those that ended by a crash.
    """

    job_id: UUID
    tenant: str
    kind: str
    parameters: Mapping[str, Any]
    state: str
    done: int
    total: int | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int
    interruptions: int
    checkpoint: Any
    problem: Mapping[str, Any] | None
    result: Any
    undone_by: UUID | None
    file: JobFile | None


async def add_job_in(  # noqa: PLR0913 - a job's facts
    connection: AsyncConnection, tenant: str, kind: str, parameters: Mapping[str, Any], *, total: int, requested_by: str
) -> Job:
    """Have a job done once the caller's transaction has ended. Raises TooManyJobs, and IntegrityError for no tenant."""
    return await _added(connection, _new(tenant, kind, parameters, total, requested_by))


async def add_job(  # noqa: PLR0913 - a job's facts
    engine: AsyncEngine, tenant: str, kind: str, parameters: Mapping[str, Any], *, total: int | None, requested_by: str
) -> Job:
    """Have a job done. Raises UnknownTenant, and TooManyJobs while a tenant has very many that are not finished."""
    row = _new(tenant, kind, parameters, total, requested_by)
    try:
        async with engine.begin() as connection:
            return await _added(connection, row)
    except sa.exc.IntegrityError as error:
        raise translated(error, jobs_tenant_fk=unknown_tenant(tenant)) from None


async def add_undo(engine: AsyncEngine, job: Job, kind: str, parameters: Mapping[str, Any], requested_by: str) -> Job:
    """Have a job done that undoes another. Raises TooManyJobs, and AlreadyUndone where one does, or did."""
    earlier = JOBS.alias("earlier")
    in_vain = sa.select(earlier.c.job_id).where(
        earlier.c.job_id == JOBS.c.undone_by, earlier.c.state.in_(("failed", "cancelled"))
    )
    row = _new(job.tenant, kind, parameters, job.done, requested_by)
    claim = (
        sa.update(JOBS)
        .where(JOBS.c.job_id == job.job_id, sa.or_(JOBS.c.undone_by.is_(None), sa.exists(in_vain)))
        .values(undone_by=row["job_id"])
    )
    async with engine.begin() as connection:
        added = await _added(connection, row)
        if not (await connection.execute(claim)).rowcount:
            raise AlreadyUndone(AlreadyUndone.__doc__)
        return added


def _new(tenant: str, kind: str, parameters: Mapping[str, Any], total: int | None, requested_by: str) -> dict[str, Any]:
    return {
        "job_id": uuid4(),
        "tenant": tenant,
        "kind": kind,
        "parameters": parameters,
        "total": total,
        "requested_by": requested_by,
    }


async def _added(connection: AsyncConnection, row: dict[str, Any]) -> Job:
    unfinished = sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.tenant == row["tenant"], _UNFINISHED)
    if (await connection.execute(unfinished)).scalar_one() >= MOST_UNFINISHED:
        raise TooManyJobs(f"{MOST_UNFINISHED} jobs are not finished yet; wait for them, or cancel some")
    return job_in((await connection.execute(sa.insert(JOBS).values(row).returning(*JOBS.c))).one())


async def find_job(engine: AsyncEngine, job_id: UUID, tenant: str | None = None) -> Job:
    """The job of that id; of this tenant, where one is given. Raises UnknownJob."""
    row = await read_one(engine, sa.select(JOBS).where(*_meant(job_id, tenant)))
    if row is None:
        raise UnknownJob(_NO_JOB)
    return job_in(row)


async def list_jobs(
    engine: AsyncEngine,
    tenant: str | None = None,
    *,
    limit: int = 100,
    after: UUID | None = None,
    without: str | None = None,
) -> list[Job]:
    """The jobs of a tenant, or of all tenants, the newest first; those that follow ``after``, less those of a kind."""
    newest_first = (JOBS.c.requested_at.desc(), JOBS.c.job_id.desc())
    query = sa.select(JOBS).order_by(*newest_first).limit(limit)
    if tenant is not None:
        query = query.where(JOBS.c.tenant == tenant)
    if without is not None:
        query = query.where(JOBS.c.kind != without)
    if after is not None:
        last = await find_job(engine, after, tenant)
        place = sa.tuple_(sa.literal(last.requested_at), sa.literal(last.job_id))
        query = query.where(sa.tuple_(JOBS.c.requested_at, JOBS.c.job_id) < place)
    return [job_in(row) for row in await read(engine, query)]


async def cancel_job(engine: AsyncEngine, job_id: UUID, tenant: str | None = None) -> Job:
    """Cancel a job, which one that was cancelled already stays. Raises UnknownJob and JobFinished.

    A worker that runs it finds out before it saves its next step, which is then lost. So is what it had made.
    """
    cancel = (
        sa.update(JOBS)
        .where(*_meant(job_id, tenant), _UNFINISHED, JOBS.c.kind != ERASURE)
        .values(state="cancelled", finished_at=sa.func.now(), checkpoint=sa.null())
        .returning(*JOBS.c)
    )
    async with engine.begin() as connection:
        row = (await connection.execute(cancel)).first()
        if row is not None:
            await connection.execute(sa.delete(JOB_FILES).where(JOB_FILES.c.job_id == job_id))
            return job_in(row)
    job = await find_job(engine, job_id, tenant)
    if job.kind == ERASURE and job.finished_at is None:
        raise JobFinished("an erasure goes on to its end, since half of it may be done")
    if job.state != "cancelled":
        raise JobFinished(f"the job is {job.state} already, so there is nothing to cancel")
    return job


def _meant(job_id: UUID, tenant: str | None) -> list[sa.ColumnElement[bool]]:
    return [JOBS.c.job_id == job_id, *([] if tenant is None else [JOBS.c.tenant == tenant])]


def job_in(row: Any) -> Job:
    """The job of a row of the table, given as a mapping or as SQLAlchemy's row."""
    found = dict(row) if isinstance(row, Mapping) else row._asdict()
    file = None
    if found["file_expires_at"] is not None:
        file = JobFile(*(found[f"file_{name}"] for name in ("name", "type", "size", "sha256", "expires_at")))
    names = (one for one in Job.__slots__ if one != "file")
    return Job(**{name: found[name] for name in names}, file=file)
