"""Files that were uploaded to be imported: each is kept as the file of a job that has nothing to do, until it expires.

Until it is complete, such a job has failed; so one that was cut off is deleted like any other.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import JOB_FILES, JOBS
from services.control.errors import TooMuchKept, UnknownJob, translated, unknown_tenant
from services.control.job_files import FileCutter, save_parts
from services.control.jobs import Job, find_job, job_in
from services.runtime.database import read

UPLOAD: Final = "upload"  # the kind of jobs that only keep a file
IMPORT: Final = "import"  # the kind of jobs that import one
ROOM: Final = 4_294_967_296  # bytes that the files of a tenant may take
_INCOMPLETE_FOR: Final = timedelta(hours=2)
_NOW: Final = sa.func.clock_timestamp()


async def keep_upload(  # noqa: PLR0913 - a file's facts
    engine: AsyncEngine,
    tenant: str,
    *,
    name: str,
    media_type: str,
    pieces: AsyncIterator[bytes],
    days: int,
    by: str,
    room: int = ROOM,
) -> Job:
    """Keep a file for so many days. Memory holds a part of it.

    ``room`` is how many bytes the tenant's files may take together; one that has begun is taken to its end.
    Raises UnknownTenant and TooMuchKept.
    """
    await _check_room(engine, tenant, room)
    row: dict[str, Any] = {
        "job_id": uuid4(),
        "tenant": tenant,
        "kind": UPLOAD,
        "parameters": {},
        "requested_by": by,
        "state": "failed",
        "finished_at": _NOW,
        "file_expires_at": _NOW + _INCOMPLETE_FOR,
        "problem": {"title": "The file was not sent to its end"},
    }
    row |= {"file_name": name, "file_type": media_type, "file_size": 0, "file_sha256": b""}
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.insert(JOBS).values(row))
    except sa.exc.IntegrityError as error:
        raise translated(error, jobs_tenant_fk=unknown_tenant(tenant)) from None
    cutter = FileCutter()
    async for piece in pieces:
        if parts := cutter.write(piece):
            async with engine.begin() as connection:
                await save_parts(connection, row["job_id"], parts)
    whole = {
        "state": "done",
        "problem": sa.null(),
        "file_size": cutter.size,
        "file_sha256": cutter.sha256,
        "file_expires_at": _NOW + timedelta(days=days),
        "finished_at": _NOW,
    }
    complete = sa.update(JOBS).where(JOBS.c.job_id == row["job_id"]).values(whole).returning(*JOBS.c)
    async with engine.begin() as connection:
        await save_parts(connection, row["job_id"], cutter.rest())
        return job_in((await connection.execute(complete)).one())


async def _check_room(engine: AsyncEngine, tenant: str, room: int) -> None:
    of_tenant = sa.and_(JOBS.c.tenant == tenant, JOBS.c.kind == UPLOAD, JOBS.c.file_expires_at > _NOW)
    kept = (
        sa.select(sa.func.coalesce(sa.func.sum(JOB_FILES.c.size), 0).label("size"))
        .select_from(JOBS.join(JOB_FILES, JOB_FILES.c.job_id == JOBS.c.job_id))
        .where(of_tenant)
        .scalar_subquery()
    )
    first = sa.select(sa.func.min(JOBS.c.file_expires_at)).where(of_tenant).scalar_subquery()
    (found,) = await read(engine, sa.select(kept.label("size"), first.label("until")))
    if found["size"] >= room:
        until = found["until"].isoformat(timespec="minutes")
        raise TooMuchKept(f"files to import take {found['size']} bytes of {room}; the first of them goes at {until}")


async def find_upload(engine: AsyncEngine, upload: UUID, tenant: str) -> Job:
    """An upload that is complete. Raises UnknownJob."""
    job = await find_job(engine, upload, tenant)
    if job.kind != UPLOAD or job.state != "done":
        raise UnknownJob("there is no such import")
    return job


async def imports_of(engine: AsyncEngine, upload: UUID, tenant: str) -> list[Job]:
    """The dry runs and the runs of an upload, the newest first."""
    of_upload = JOBS.c.parameters["upload"].astext == str(upload)
    query = sa.select(JOBS).where(JOBS.c.tenant == tenant, JOBS.c.kind == IMPORT, of_upload)
    return [job_in(row) for row in await read(engine, query.order_by(JOBS.c.requested_at.desc(), JOBS.c.job_id))]
