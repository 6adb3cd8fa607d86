"""Exports over HTTP: a filter's customers, or their contacts, as a file that a worker makes."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from projections.exports.order import ExportOrder
from projections.exports.requests import EXPORT
from services.query.core.export_models import ExportPreview, ExportStarted
from services.query.handlers.exports import Exports
from services.query.http.files import file_response
from services.query.http.jobs import FILE_RESPONSES, AllJobs, JobId
from services.query.http.parameters import ABOUT_NOW, Downloading, Exporting, Now
from services.query.http.responses import EXPORT_PREVIEWED, EXPORTED, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/exports", "jobs")


async def _exports(request: Request) -> Exports:
    exports: Exports = request.app.state.exports
    return exports


@router.post(
    "",
    status_code=202,
    summary="Export customers or contacts",
    response_model=ExportStarted,
    responses=EXPORTED,
    dependencies=ABOUT_NOW,
)
async def start_export(
    asking: Exporting, exports: Annotated[Exports, Depends(_exports)], order: ExportOrder, now: Now
) -> Response:
    """How many rows it has, and the job whose file has them: CSV or a workbook of Excel.

    Cells that a spreadsheet could run as formulas begin with an apostrophe, which an import takes away again.
    """
    return answer(await exports.start(asking.tenant, order, now, asking.key_name or asking.key_prefix), 202)


@router.post(
    "/preview",
    summary="Count what an export would have",
    response_model=ExportPreview,
    responses=EXPORT_PREVIEWED,
    dependencies=ABOUT_NOW,
)
async def preview_export(
    asking: Exporting, exports: Annotated[Exports, Depends(_exports)], order: ExportOrder, now: Now
) -> Response:
    """How many rows the file of this export would have. Nothing is made."""
    return answer(await exports.preview(asking.tenant, order, now))


@router.get("/{job}/file", summary="The file of an export", responses=FILE_RESPONSES, response_class=Response)
async def read_export_file(asking: Downloading, jobs: AllJobs, job: JobId, request: Request) -> Response:
    """The same file as the job has. A download that was cut off goes on by `Range`, with `If-Range` and the `ETag`."""
    return file_response(request, jobs, await jobs.file(asking.tenant, job, EXPORT))
