"""Exports: starting one, watching it, its file."""

from typing import Final
from uuid import UUID

from starlette.responses import Response

from projections.exports.order import ExportOrder
from services.console.core.list_state import ListState
from services.console.core.words import zone_of
from services.console.http.pages import READING_SETTINGS, PageRoute
from services.console.http.visits import SentFields, Visit, query_of, redirect
from services.query.handlers.exports import Exports
from services.query.handlers.jobs import Jobs
from services.query.http.files import file_response
from services.query.http.parameters import SEARCH_COST
from services.runtime.api import Access
from services.runtime.problems import BAD_REQUEST, NOT_FOUND, Problem

_EXPORTING: Final = Access("customers:export", SEARCH_COST)
_DOWNLOADING: Final = Access("customers:export")
_PAGE: Final = 50


async def start_export(visit: Visit) -> Response:
    """Have a file made of the customers that a list finds."""
    form = await visit.form()
    exports: Exports = visit.request.app.state.exports
    who = visit.signed_in
    started = await exports.start(visit.tenant, _order(visit, form), visit.now, who.name or who.key_prefix)
    return redirect(f"/console/jobs/{started.job.id}")


async def list_jobs(visit: Visit) -> Response:
    """The exports, the newest first."""
    cursor = query_of(visit.request).one("cursor")
    page = await _jobs(visit).page(visit.tenant, _PAGE, _job_id(cursor) if cursor else None)
    return visit.page("jobs/list.html", page=page)


async def job(visit: Visit) -> Response:
    """How far a job is. A part of the page, for a page that asks again and again."""
    found = await _jobs(visit).job(visit.tenant, _job_id(visit.request.path_params["job"]))
    template = "jobs/state.html" if visit.request.headers.get("hx-request") else "jobs/job.html"
    return visit.page(template, job=found)


async def cancel_job(visit: Visit) -> Response:
    """Cancel a job."""
    await visit.form()
    cancelled = await _jobs(visit).cancel(visit.tenant, _job_id(visit.request.path_params["job"]))
    return redirect(f"/console/jobs/{cancelled.id}")


async def job_file(visit: Visit) -> Response:
    """The file that a job made."""
    jobs = _jobs(visit)
    stored = await jobs.file(visit.tenant, _job_id(visit.request.path_params["job"]))
    return file_response(visit.request, jobs, stored)


def _order(visit: Visit, form: SentFields) -> ExportOrder:
    """The file that a form asks for: in the reader's language and zone, with what Excel needs."""
    try:
        state = ListState.read(form)
        return ExportOrder.model_validate({
            "filter": state.filter(),
            "rows": form.one("rows", "customers"),
            "format": form.one("format", "csv"),
            "bom": form.one("format", "csv") == "csv",
            "header": visit.language,
            "zone": zone_of(visit.signed_in.region).key,
        })  # fmt: skip
    except ValueError:
        raise Problem(BAD_REQUEST, visit.say("The address holds no filter that can be read.")) from None


def _jobs(visit: Visit) -> Jobs:
    jobs: Jobs = visit.request.app.state.jobs
    return jobs


def _job_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(NOT_FOUND) from None


ROUTES: Final = (
    PageRoute("/console/exports", start_export, _EXPORTING, "POST"),
    PageRoute("/console/jobs", list_jobs, READING_SETTINGS),
    PageRoute("/console/jobs/{job}", job, READING_SETTINGS),
    PageRoute("/console/jobs/{job}/cancel", cancel_job, _DOWNLOADING, "POST"),
    PageRoute("/console/jobs/{job}/file", job_file, _DOWNLOADING),
)
