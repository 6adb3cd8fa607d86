"""Accounts over HTTP: what happened on the brand's side of a channel, and to no contact."""

from starlette.responses import Response

from services.query.core.models import AccountEventPage
from services.query.http.parameters import ABOUT_NOW, AccountInPath, Answering, Asking, TimelinePageQuery
from services.query.http.responses import PAGED, json_answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/accounts", "read")


@router.get(
    "/{channel}/{account}/events",
    summary="What happened on an account",
    response_model=AccountEventPage,
    responses=PAGED,
    dependencies=ABOUT_NOW,
)
async def read_account_events(
    asking: Asking, reader: Answering, account: AccountInPath, wanted: TimelinePageQuery
) -> Response:
    """The events that are about the account and no contact, newest first: mentions, groups, updates, errors."""
    return json_answer(await reader.account_events(asking.tenant, account, wanted))
