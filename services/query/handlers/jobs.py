"""A tenant's jobs: which there are, how far each is, cancelling one, and the file that one made."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from projections.exports.requests import EXPORT
from services.control import job_files, jobs
from services.control.auth import OPERATOR, Principal
from services.control.errors import FileGone
from services.control.jobs import REBUILD, Job, JobFile
from services.query.core.errors import NotFound
from services.query.core.job_models import JobFileView, JobPage, JobProgress, JobView
from services.runtime.database import Engine


class NoFileYet(Exception):
    """The job is not done, so that it has no file yet."""


class StoredFile(NamedTuple):
    """A file that can be read."""

    job_id: UUID
    file: JobFile


class Jobs:
    """Reads and cancels jobs in the control schema. Every method raises UnknownJob for another tenant's job."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def page(self, tenant: str, limit: int, after: UUID | None) -> JobPage:
        """The jobs after that one, the newest first."""
        found = await jobs.list_jobs(self._engine, tenant, limit=limit + 1, after=after)
        following = str(found[limit - 1].job_id) if len(found) > limit else None
        return JobPage(jobs=[job_view(one) for one in found[:limit]], next=following)

    async def job(self, tenant: str, job_id: UUID) -> JobView:
        """One job."""
        return job_view(await jobs.find_job(self._engine, job_id, tenant))

    async def cancel(self, principal: Principal, job_id: UUID) -> JobView:
        """Cancel a job, for who may ask for one of its kind. Raises JobFinished, and a 403 problem."""
        tenant = principal.tenant
        principal.require_scope(scope_of((await jobs.find_job(self._engine, job_id, tenant)).kind))
        return job_view(await jobs.cancel_job(self._engine, job_id, tenant))

    async def file(self, tenant: str, job_id: UUID, kind: str | None = None) -> StoredFile:
        """The file of a job, of this kind if one is given. Raises NoFileYet, FileGone, and NotFound for none."""
        job = await jobs.find_job(self._engine, job_id, tenant)
        if kind not in {None, job.kind}:
            raise NotFound(f"This job is no {kind}.")
        if job.finished_at is None:
            raise NoFileYet(NoFileYet.__doc__)
        if job.file is None:
            raise NotFound(f"This job is {job.state}, and has no file.")
        if not job.file.is_kept:
            raise FileGone(FileGone.__doc__)
        return StoredFile(job.job_id, job.file)

    def content(self, stored: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``. Raises FileGone."""
        return job_files.read_bytes(self._engine, stored.job_id, start, end)


def scope_of(kind: str) -> str:
    """The scope that lets a key ask for jobs of a kind, and cancel them."""
    return {EXPORT: "customers:export", REBUILD: OPERATOR}.get(kind, "customers:write")


def job_view(job: Job) -> JobView:
    """A job as it is answered."""
    return JobView(
        id=job.job_id,
        kind=job.kind,
        state=job.state,
        progress=JobProgress(done=job.done, total=job.total),
        requested_by=job.requested_by,
        requested_at=_ms(job.requested_at),
        started_at=job.started_at and _ms(job.started_at),
        finished_at=job.finished_at and _ms(job.finished_at),
        attempt=job.attempt,
        problem=None if job.problem is None else dict[str, Any](job.problem),
        result=None if job.result is None else dict[str, Any](job.result),
        undone_by=job.undone_by,
        file=None if job.file is None else _file(job.job_id, job.file),
    )


def _file(job_id: UUID, file: JobFile) -> JobFileView:
    return JobFileView(
        href=f"/v1/jobs/{job_id}/file" if file.is_kept else None,
        name=file.name,
        type=file.type,
        bytes=file.size,
        sha256=file.sha256.hex(),
        expires_at=_ms(file.expires_at),
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
