"""Bulk actions over HTTP: what one would do, having it done by a worker, and having it undone."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from projections.bulk_actions.order import BulkOrder
from services.query.core.bulk_models import BulkPreview, BulkStart, BulkStarted
from services.query.core.job_models import JobView
from services.query.handlers.bulk_actions import BulkActions
from services.query.http.jobs import JobId
from services.query.http.parameters import ABOUT_NOW, Changing, ChangingMany, Now
from services.query.http.responses import BULK_PREVIEWED, BULK_STARTED, BULK_UNDONE, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/bulk-actions", "jobs")


async def _bulk_actions(request: Request) -> BulkActions:
    actions: BulkActions = request.app.state.bulk_actions
    return actions


AllBulkActions = Annotated[BulkActions, Depends(_bulk_actions)]


@router.post(
    "/preview",
    summary="What a bulk action would do",
    response_model=BulkPreview,
    responses=BULK_PREVIEWED,
    dependencies=ABOUT_NOW,
)
async def preview_bulk_action(asking: ChangingMany, actions: AllBulkActions, order: BulkOrder, now: Now) -> Response:
    """How many customers and contacts it would change, and how many are so already. Nothing is done yet."""
    return answer(await actions.preview(asking.tenant, order, now))


@router.post(
    "",
    status_code=202,
    summary="Change all customers that a filter finds",
    response_model=BulkStarted,
    responses=BULK_STARTED,
    dependencies=ABOUT_NOW,
)
async def start_bulk_action(asking: ChangingMany, actions: AllBulkActions, wanted: BulkStart, now: Now) -> Response:
    """The job that does it. Each customer is affected once; its file has those that were skipped, and why."""
    return answer(await actions.start(asking.tenant, wanted, now, asking.key_name or asking.key_prefix), 202)


@router.post(
    "/{job}/undo", status_code=202, summary="Undo a bulk action", response_model=JobView, responses=BULK_UNDONE
)
async def undo_bulk_action(asking: Changing, actions: AllBulkActions, job: JobId) -> Response:
    """The job that undoes it, within a day of its end. What was changed since by somebody else stays as it is."""
    return answer(await actions.undo(asking.tenant, job, asking.key_name or asking.key_prefix), 202)
