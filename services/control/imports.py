"""Imports of a file that was uploaded: dry runs, and the run of what a dry run found."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.imports.order import ImportOrder
from services.control.errors import NotChecked
from services.control.jobs import Job, add_job
from services.control.uploads import IMPORT, imports_of


async def begin_dry_run(engine: AsyncEngine, upload: Job, order: ImportOrder, by: str) -> Job:
    """Have a worker find out what an import would do. Raises TooManyJobs."""
    parameters = {"upload": str(upload.job_id), "order": order.model_dump(mode="json"), "dry_run": True}
    return await add_job(engine, upload.tenant, IMPORT, parameters, total=None, requested_by=by)


async def begin_run(engine: AsyncEngine, upload: Job, by: str, checked: UUID | None = None) -> Job:
    """Have a worker do what the newest dry run found, which is ``checked`` if that is given.

    Raises NotChecked and TooManyJobs.
    """
    runs = await imports_of(engine, upload.job_id, upload.tenant)
    found = next((one for one in runs if one.parameters["dry_run"] and one.state == "done"), None)
    if found is None:
        raise NotChecked("wait until the dry run is done; one that failed says why: mend the file")
    if checked not in {None, found.job_id}:
        raise NotChecked("there is a newer dry run: look at what it found, then run that")
    parameters = dict(found.parameters) | {"dry_run": False, "expected": found.result["counts"]}
    return await add_job(engine, upload.tenant, IMPORT, parameters, total=found.done, requested_by=by)
