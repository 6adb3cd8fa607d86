"""Jobs over HTTP: long work that a worker does, and the file that it made."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from services.query.core.job_models import JobPage, JobView
from services.query.handlers.jobs import Jobs
from services.query.http.files import SERVED, UNSATISFIABLE, file_response
from services.query.http.parameters import Asking, AskingSettings, Downloading
from services.query.http.responses import FILE_GONE, JOB_FINISHED, NO_FILE_YET, answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router, problem_responses

router = keyed_router("/v1/jobs", "jobs")

_MOST: Final = 200
_CANCELLED: Final = COMMON_PROBLEMS | problem_responses(JOB_FINISHED)
FILE_RESPONSES: Final = COMMON_PROBLEMS | SERVED | problem_responses(NO_FILE_YET, FILE_GONE, UNSATISFIABLE)


async def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


AllJobs = Annotated[Jobs, Depends(_jobs)]
JobId = Annotated[UUID, Path(description="the job's id")]


@router.get("", summary="The jobs", response_model=JobPage, responses=COMMON_PROBLEMS)
async def list_jobs(
    asking: AskingSettings,
    jobs: AllJobs,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most jobs on the page")] = 50,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
) -> Response:
    """The tenant's jobs, the newest first. Those that ended long ago are no longer kept."""
    return answer(await jobs.page(asking.tenant, limit, cursor))


@router.get("/{job}", summary="A job", response_model=JobView, responses=COMMON_PROBLEMS)
async def read_job(asking: AskingSettings, jobs: AllJobs, job: JobId) -> Response:
    """What is done, how far it is, and why it failed."""
    return answer(await jobs.job(asking.tenant, job))


@router.post("/{job}/cancel", summary="Cancel a job", response_model=JobView, responses=_CANCELLED)
async def cancel_job(asking: Asking, jobs: AllJobs, job: JobId) -> Response:
    """The job ends after the step that is being done, and leaves no file. Cancelling it again changes nothing.

    It needs the scope of the job's kind besides: `customers:export` for exports, `customers:write` for others.
    """
    return answer(await jobs.cancel(asking, job))


@router.get("/{job}/file", summary="The file of a job", responses=FILE_RESPONSES, response_class=Response)
async def read_job_file(asking: Downloading, jobs: AllJobs, job: JobId, request: Request) -> Response:
    """The file that a job made. A download that was cut off goes on by `Range`, with `If-Range` and the `ETag`."""
    return file_response(request, jobs, await jobs.file(asking.tenant, job))
