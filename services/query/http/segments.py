"""A tenant's segments over HTTP. Ingress takes the events that save them."""

from typing import Annotated, Final, Literal

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from schemas.events.tenant import SegmentId
from services.query.core import cursors
from services.query.core.segment_models import SegmentDetail, SegmentHistory, SegmentPage, SegmentSizes
from services.query.handlers.segments import SegmentReader
from services.query.http.parameters import ABOUT_NOW, Asking, AskingMuch, Now
from services.query.http.quota import DaysInQuery
from services.query.http.responses import PAGED, SPANNED, answer
from services.runtime.api import keyed_router, problem_responses
from services.runtime.problems import INVALID_REQUEST

router = keyed_router("/v1/segments", "search")

_MOST: Final = 200


async def _segments(request: Request) -> SegmentReader:
    segments: SegmentReader = request.app.state.segments
    return segments


ReadingSegments = Annotated[SegmentReader, Depends(_segments)]
SegmentInPath = Annotated[SegmentId, Path(examples=["sleeping-vip"])]
SegmentLimit = Annotated[int, Query(ge=1, le=_MOST, description="most of them on the page")]


@router.get("", summary="Segments", response_model=SegmentPage, responses=SPANNED, dependencies=ABOUT_NOW)
async def read_segments(
    asking: Asking,
    segments: ReadingSegments,
    limit: SegmentLimit = 50,
    cursor: Annotated[
        str, Query(max_length=100, pattern="^[A-Za-z0-9_.-]*$", description="`next` of the page before")
    ] = "",
) -> Response:
    """The saved filters, in the order of their ids, without those that were deleted."""
    return answer(await segments.page(asking.tenant, cursor, limit))


@router.get(
    "/{segment}",
    summary="A segment and its size",
    response_model=SegmentDetail,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_segment(
    asking: AskingMuch,
    segments: ReadingSegments,
    segment: SegmentInPath,
    now: Now,
    total: Annotated[
        Literal["up_to_10000", "exact"],
        Query(description="how far the customers are counted; `exact` takes as long as it takes to look at them all"),
    ] = "up_to_10000",
) -> Response:
    """What was saved last, by whom and when, and how many customers it has at this moment."""
    return answer(await segments.one(asking.tenant, segment, now, exact=total == "exact"))


@router.get(
    "/{segment}/history",
    summary="What was saved of a segment",
    response_model=SegmentHistory,
    responses=PAGED | problem_responses(INVALID_REQUEST),
    dependencies=ABOUT_NOW,
)
async def read_segment_history(
    asking: Asking,
    segments: ReadingSegments,
    segment: SegmentInPath,
    limit: SegmentLimit = 50,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_A_VERSION, description="`next` of the page before")
    ] = None,
) -> Response:
    """Each filter and name that it had, who saved it and when, and when it was deleted; the newest first."""
    return answer(await segments.history(asking.tenant, segment, cursor, limit))


@router.get(
    "/{segment}/sizes",
    summary="How many customers a segment had",
    response_model=SegmentSizes,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_segment_sizes(
    asking: Asking, segments: ReadingSegments, segment: SegmentInPath, days: DaysInQuery
) -> Response:
    """Each segment is counted once a day, UTC, by the filter that it has at that moment."""
    return answer(await segments.sizes(asking.tenant, segment, days))
