"""Identity over HTTP: why two contacts are one customer, a customer's links, and the tenant's conflicts."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from projections.identity.conflict_queries import ConflictOrder
from projections.identity.customer_links import CustomerPosition
from services.query.core import cursors
from services.query.core.identity_models import ConflictPage, CustomerLinks, Explanation
from services.query.handlers.explainer import FIRST, Explainer
from services.query.http.parameters import ABOUT_NOW, Asking, At, CustomerName
from services.query.http.responses import BY_ANY_NAME, DATED, PAGED, answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

_MOST_CONFLICTS: Final = 200
_MOST_LINKS: Final = 1000
_MOST_OF_A_NAME: Final = 600  # characters; no contact key is longer

router = keyed_router("/v1", "identity")


async def _explainer(request: Request) -> Explainer:
    explainer: Explainer = request.app.state.explainer
    return explainer


async def _links_page(
    limit: Annotated[int, Query(ge=1, le=_MOST_LINKS, description="most contacts, links and values on the page")] = 500,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_A_LINK, description="`next` of the page before")
    ] = None,
) -> tuple[int, CustomerPosition]:
    return limit, FIRST if cursor is None else cursors.read_customer(cursor)


Explaining = Annotated[Explainer, Depends(_explainer)]
LinksPage = Annotated[tuple[int, CustomerPosition], Depends(_links_page)]
ContactName = Annotated[
    str,
    Query(
        max_length=_MOST_OF_A_NAME,
        description="a contact's key, `channel:account:uid`, or its id",
        examples=["line:oa-taipei:Uc0ffee"],
    ),
]


@router.get(
    "/identity/why",
    summary="Why two contacts are one customer",
    response_model=Explanation,
    responses=COMMON_PROBLEMS | DATED,
)
async def read_why(asking: Asking, explainer: Explaining, a: ContactName, b: ContactName, at: At) -> Response:
    """The chain of links that makes two contacts one customer, each with its events.

    Of two customers: the links that were refused, the values that are no evidence, and what would make the two one.
    """
    return answer(await explainer.why(asking.tenant, a, b, at))


@router.get(
    "/identity/conflicts",
    summary="Conflicts: what joins nothing",
    response_model=ConflictPage,
    responses=PAGED,
    dependencies=ABOUT_NOW,
)
async def read_conflicts(
    asking: Asking,
    explainer: Explaining,
    limit: Annotated[int, Query(ge=1, le=_MOST_CONFLICTS, description="most conflicts on the page")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=cursors.MOST_OF_A_LINK, description="`next` of the page before")
    ] = None,
    order: Annotated[
        ConflictOrder,
        Query(description="`newest` first; or `strongest`: refused links by tier, then values that were set aside"),
    ] = "newest",
) -> Response:
    """Links that were refused and values that were set aside, each with the reason.

    In the order `strongest` what matters most is first: staff's own decisions and what was verified, then what was
    stated, then claims; of one tier the newest. A cursor goes on in the order that it was given in.
    """
    after = None if cursor is None else cursors.read_conflict(cursor, order)
    return answer(await explainer.conflicts(asking.tenant, limit, after, order))


@router.get(
    "/customers/{customer}/identity",
    summary="What makes a customer one",
    response_model=CustomerLinks,
    responses=PAGED | BY_ANY_NAME | DATED,
)
async def read_customer_identity(
    asking: Asking, explainer: Explaining, customer: CustomerName, page: LinksPage, at: At
) -> Response:
    """The customer's contacts with what each stated: links, accepted and refused, and the events behind each."""
    return answer(await explainer.graph(asking.tenant, customer, *page, at))
