"""What people decided, over HTTP. Ingress takes the events that decide, and that take back."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from projections.identity.decision_queries import MergePosition
from services.query.core import cursors
from services.query.core.decision_models import DecisionPage, DecisionsOfCustomer, MergePage
from services.query.handlers.decisions import NEWEST, NEWEST_MERGE, Decisions
from services.query.http.parameters import ABOUT_NOW, Asking, CustomerName
from services.query.http.responses import BY_ANY_NAME, PAGED, answer
from services.runtime.api import keyed_router

_MOST: Final = 200

router = keyed_router("/v1", "identity")


async def _decisions(request: Request) -> Decisions:
    decisions: Decisions = request.app.state.decisions
    return decisions


Deciding = Annotated[Decisions, Depends(_decisions)]
Limit = Annotated[int, Query(ge=1, le=_MOST, description="most entries on the page")]
Cursor = Annotated[str | None, Query(max_length=cursors.MOST_OF_A_LINK, description="`next` of the page before")]


@router.get(
    "/identity/decisions",
    summary="Decisions of staff",
    response_model=DecisionPage,
    responses=PAGED,
    dependencies=ABOUT_NOW,
)
async def read_decisions(asking: Asking, decisions: Deciding, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The latest decision about each pair of contacts, with who and when, newest first.

    To take one back, decide `undecided` about the pair.
    """
    after = NEWEST if cursor is None else cursors.read_decision(cursor)
    return answer(await decisions.page(asking.tenant, limit, after))


@router.get(
    "/members/merges",
    summary="Merged member ids",
    response_model=MergePage,
    responses=PAGED,
    dependencies=ABOUT_NOW,
)
async def read_member_merges(asking: Asking, decisions: Deciding, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """What each member id became last, with who and when, newest first.

    To take one back: `DELETE /v1/members/{id}/merge`.
    """
    after = NEWEST_MERGE if cursor is None else MergePosition(*cursors.read_version(cursor))
    return answer(await decisions.merges(asking.tenant, limit, after))


@router.get(
    "/customers/{customer}/identity/decisions",
    summary="What people decided about a customer",
    response_model=DecisionsOfCustomer,
    responses=PAGED | BY_ANY_NAME,
    dependencies=ABOUT_NOW,
)
async def read_customer_decisions(asking: Asking, decisions: Deciding, customer: CustomerName) -> Response:
    """The latest hundred decisions about its contacts, and the latest hundred merges into its member id."""
    return answer(await decisions.of_customer(asking.tenant, customer))
