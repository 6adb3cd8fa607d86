"""Segments over HTTP: each is saved or deleted by one event that occurs now. The read API shows them."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from schemas.events.base import Word
from schemas.events.tenant import SegmentId
from services.ingress.core.saved_segments import SegmentRequest, validate_deletion
from services.ingress.handlers.identity import take_one
from services.ingress.handlers.saved_segments import take_segment
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Body,
    CustomerWriter,
    Held,
    Serving,
    Wait,
    context_of,
)
from services.ingress.http.identity import EventReceipt, answer_event
from services.runtime.api import COMMON_PROBLEMS, body_of, keyed_router, problem_responses
from services.runtime.problems import INVALID_REQUEST, Kind

NO_SEGMENT: Final = Kind("no-segment", "This is no segment", 422)

router: Final[APIRouter] = keyed_router("/v1/segments", "ingress")
SegmentToSave = Annotated[SegmentId, Path(description="your own id of the segment", examples=["sleeping-vip"])]


@router.put(
    "/{segment}",
    summary="Save a segment",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_SEGMENT, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": SegmentRequest}),
)
async def put_segment(
    ingress: Serving,
    principal: CustomerWriter,
    segment: SegmentToSave,
    lease: Held,
    body: Body,
    *,
    wait: Wait = False,
) -> Response:
    """An event of now. Times that are relative to `now` stay so: a segment has who fulfils its filter when it is asked.

    A filter may name other segments, but not one that leads back to this one. `202` means that Kafka, with acks=all,
    has it; send an `event_id` of your own to be able to repeat it.
    """
    outcome = await take_segment(segment, body, context_of(principal), ingress.log, ingress.segments)
    return await answer_event(ingress, lease, outcome, NO_SEGMENT, wait=wait)


@router.delete(
    "/{segment}",
    summary="Delete a segment",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMON_PROBLEMS | problem_responses(NO_SEGMENT, INVALID_REQUEST),
)
async def delete_segment(
    ingress: Serving,
    principal: CustomerWriter,
    segment: SegmentToSave,
    lease: Held,
    *,
    by: Annotated[Word | None, Query(description="Who deletes it.")] = None,
    wait: Wait = False,
) -> Response:
    """An event of now. Its history stays, and saving it again brings it back.

    A filter that names a deleted segment is answered with 422 from then on.
    """
    outcome = await take_one("settings", validate_deletion(segment, by, context_of(principal)), ingress.log)
    return await answer_event(ingress, lease, outcome, NO_SEGMENT, wait=wait)
