"""Jobs: which there are, how far each is, cancelling or undoing one, and its file."""

from typing import Final
from uuid import UUID

from starlette.responses import Response

from services.console.core import job_views
from services.console.core.job_views import ShownJob
from services.console.http.pages import READING, READING_SETTINGS, PageRoute
from services.console.http.visits import Visit, query_of, redirect
from services.control.jobs import ERASURE, Job, find_job, list_jobs
from services.control.uploads import UPLOAD
from services.query.handlers.bulk_actions import BulkActions
from services.query.handlers.jobs import Jobs, job_view
from services.query.http.files import file_response
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, Problem

DOWNLOADING: Final = Access("customers:export")
CHANGING: Final = Access("customers:write")
_PAGE: Final = 50
_FOLLOWED: Final = 10  # jobs of a list whose progress is asked for again and again


async def all_jobs(visit: Visit) -> Response:
    """The jobs, the newest first."""
    cursor = query_of(visit.request).one("cursor")
    after = job_id(cursor) if cursor else None
    engine = visit.request.app.state.console_engine
    found = await list_jobs(engine, visit.tenant, limit=_PAGE + 1, after=after, without=UPLOAD)
    jobs = [shown(visit, one) for one in found[:_PAGE]]
    followed = [one.view.id for one in jobs if one.unfinished][:_FOLLOWED]
    following = jobs[-1].view.id if len(found) > _PAGE else None
    return visit.page("jobs/list.html", jobs=jobs, followed=followed, following=following, cursor=cursor)


async def job(visit: Visit) -> Response:
    """A job, or only how far it is, for a page that asks again and again."""
    found = await _job(visit)
    if not visit.request.headers.get("hx-request"):
        if found.href != visit.request.url.path:  # another page has more about it
            return redirect(found.href)
        return visit.page("jobs/job.html", job=found, figures=job_views.figures_of(found.view, visit.say))
    return progress(visit, found)


def progress(visit: Visit, job: ShownJob) -> Response:
    """How far a job is. A page about this job is loaded again once it has ended."""
    alone = bool(query_of(visit.request).one("alone"))
    response = visit.page("jobs/progress.html", job=job, alone=alone, again=not alone)
    if alone and not job.unfinished:
        response.headers["HX-Refresh"] = "true"
    return response


async def cancel_job(visit: Visit) -> Response:
    """Cancel a job."""
    await visit.form()
    found = await _job(visit)
    await _jobs(visit).cancel(visit.principal, found.view.id)
    return redirect(found.href)


async def undo_job(visit: Visit) -> Response:
    """Have what a bulk action changed changed back."""
    await visit.form()
    actions: BulkActions = visit.request.app.state.bulk_actions
    undoing = await actions.undo(visit.tenant, job_id(visit.request.path_params["job"]), by(visit))
    return redirect(f"{job_views.JOBS}/{undoing.id}")


async def job_file(visit: Visit) -> Response:
    """The file that a job made."""
    jobs = _jobs(visit)
    return file_response(visit.request, jobs, await jobs.file(visit.tenant, job_id(visit.request.path_params["job"])))


def shown(visit: Visit, job: Job) -> ShownJob:
    """A job as pages show it. Who may see receipts is led from an erasure's job to its receipt."""
    one = job_views.shown(job_view(job), job.parameters, visit.now, visit.say)
    if job.kind == ERASURE and visit.may("customers:erase"):
        return one._replace(href=f"{job_views.ERASURES}/{job.parameters['erasure']}")
    return one


def by(visit: Visit) -> str:
    """Who asks for a job."""
    return visit.signed_in.name or visit.signed_in.key_prefix


def job_id(text: str) -> UUID:
    """The id in an address. Raises a 404 problem."""
    try:
        return UUID(text)
    except ValueError:
        raise Problem(NOT_FOUND) from None


async def _job(visit: Visit) -> ShownJob:
    found = await find_job(
        visit.request.app.state.console_engine, job_id(visit.request.path_params["job"]), visit.tenant
    )
    if found.kind == UPLOAD:
        raise Problem(NOT_FOUND)
    one = shown(visit, found)
    if one.view.undone_by is None or one.view.kind != "bulk_action":
        return one
    undoing = await find_job(visit.request.app.state.console_engine, one.view.undone_by, visit.tenant)
    return shown_undone(one, undoing.state, visit.now)


def shown_undone(job: ShownJob, undoing: str, now: int) -> ShownJob:
    """The job, which can be undone again where the first try came to nothing."""
    ended = job.view.finished_at
    in_time = ended is not None and ended + job_views.DAY > now
    return job._replace(undoable=in_time and undoing in {"failed", "cancelled"})


def _jobs(visit: Visit) -> Jobs:
    jobs: Jobs = visit.request.app.state.jobs
    return jobs


ROUTES: Final = (
    PageRoute("/console/jobs", all_jobs, READING_SETTINGS),
    PageRoute("/console/jobs/{job}", job, READING_SETTINGS),
    PageRoute("/console/jobs/{job}/cancel", cancel_job, READING, "POST", role="marketer"),
    PageRoute("/console/jobs/{job}/undo", undo_job, CHANGING, "POST", role="marketer"),
    PageRoute("/console/jobs/{job}/file", job_file, DOWNLOADING),
)
