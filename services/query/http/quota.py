"""A tenant's quota over HTTP, and the contacts beyond it. Ingress takes the event that sets it."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.query.core import cursors
from services.query.core.errors import BadSpan
from services.query.core.quota_models import QuotaContactPage, QuotaStatus
from services.query.handlers.quota import DaySpan, QuotaReader
from services.query.http.parameters import ABOUT_NOW, Asking, AskingSettings, Now
from services.query.http.responses import PAGED, SPANNED, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1", "read")

_USUAL_DAYS: Final = 30
_MOST_DAYS: Final = 366
_MOST_CONTACTS: Final = 1000


async def _quota(request: Request) -> QuotaReader:
    quota: QuotaReader = request.app.state.quota
    return quota


async def _span(
    at: Now,
    first: Annotated[date | None, Query(alias="from", description="the first day of the history, UTC")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last one; left out: today")] = None,
) -> DaySpan:
    end = last or datetime.fromtimestamp(at / 1000, UTC).date()
    try:
        begin = first or end - timedelta(days=_USUAL_DAYS - 1)
    except OverflowError:
        begin = date.min
    if not timedelta(0) <= end - begin < timedelta(days=_MOST_DAYS):
        raise BadSpan(f"A history has 1 to {_MOST_DAYS} days, from the first to the last.")
    return DaySpan(begin, end)


async def _which(over_quota: Annotated[Literal["true"], Query(description="which contacts to list")]) -> str:
    return over_quota


DaysInQuery = Annotated[DaySpan, Depends(_span)]
ReadingQuota = Annotated[QuotaReader, Depends(_quota)]


@router.get(
    "/quota",
    summary="What is used of the quota",
    response_model=QuotaStatus,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_quota(asking: AskingSettings, quota: ReadingQuota, span: DaysInQuery) -> Response:
    """The limit and what is used of it, by channel and account and day by day: exact at this moment."""
    return answer(await quota.status(asking.tenant, span))


@router.get(
    "/contacts",
    summary="The contacts that are over quota",
    response_model=QuotaContactPage,
    responses=PAGED,
    dependencies=[*ABOUT_NOW, Depends(_which)],
)
async def read_over_quota(
    asking: Asking,
    quota: ReadingQuota,
    limit: Annotated[int, Query(ge=1, le=_MOST_CONTACTS, description="most contacts on the page")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_A_LINK, description="`next` of the page before")
    ] = None,
) -> Response:
    """The valid contacts beyond the limit, in the order in which they subscribed: the last ones to do so.

    Of a limit of customers it lists the valid contacts of those customers whose latest one subscribed last.
    """
    return answer(await quota.over_quota(asking.tenant, cursor, limit))
