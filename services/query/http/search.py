"""Searches among customers over HTTP, and why a customer is found or not."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from services.query.core.search_models import (
    FacetsAnswer,
    FacetsRequest,
    MatchAnswer,
    MatchRequest,
    SearchPage,
    SearchRequest,
)
from services.query.handlers.search import CustomerSearch
from services.query.http.parameters import ABOUT_NOW, AskingMuch, CustomerName, Now
from services.query.http.responses import MATCHED, SEARCHED, answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/customers", "search")


async def _search(request: Request) -> CustomerSearch:
    search: CustomerSearch = request.app.state.search
    return search


Searching = Annotated[CustomerSearch, Depends(_search)]


@router.post(
    "/search",
    summary="Search customers",
    response_model=SearchPage,
    responses=SEARCHED,
    dependencies=ABOUT_NOW,
)
async def search_customers(asking: AskingMuch, search: Searching, wanted: SearchRequest, now: Now) -> Response:
    """The customers that fulfil a filter, sorted, a page at a time.

    A filter is a tree of conditions: `all`, `any`, `not`, and `same_contact` for what must hold for one contact. What
    would look at too much is refused before it runs.
    """
    return answer(await search.page(asking.tenant, wanted, now))


@router.post(
    "/facets",
    summary="How customers spread",
    response_model=FacetsAnswer,
    responses=SEARCHED,
    dependencies=ABOUT_NOW,
)
async def count_facets(asking: AskingMuch, search: Searching, wanted: FacetsRequest, now: Now) -> Response:
    """How many of the customers that fulfil a filter have each tag, attribute, channel, account and the like."""
    return answer(await search.facets(asking.tenant, wanted, now))


@router.post(
    "/{customer}/match",
    summary="Why a customer is found or not",
    response_model=MatchAnswer,
    responses=MATCHED,
    dependencies=ABOUT_NOW,
)
async def match_customer(
    asking: AskingMuch, search: Searching, customer: CustomerName, wanted: MatchRequest, now: Now
) -> Response:
    """For each condition of a filter: whether it holds, the values that it saw, and the events that they came from."""
    return answer(await search.match(asking.tenant, customer, wanted.filter, now))
