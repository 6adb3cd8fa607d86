"""Customers over HTTP: what a customer's contacts add up to, the contacts themselves, and their merged timeline."""

from starlette.responses import Response

from services.query.core.models import CustomerContacts, CustomerView, TimelinePage
from services.query.http.parameters import Answering, Asking, At, CustomerName, Now, TimelinePageQuery
from services.query.http.responses import BY_ANY_NAME, DATED, PAGED, answer, json_answer
from services.runtime.api import keyed_router

router = keyed_router("/v1/customers", "read")


@router.get("/{customer}", summary="A customer", response_model=CustomerView, responses=BY_ANY_NAME | DATED)
async def read_customer(asking: Asking, reader: Answering, customer: CustomerName, now: Now, at: At) -> Response:
    """An Omni-customer: the contacts that are one person, and what they add up to."""
    return answer(await reader.customer(asking.tenant, customer, now, at))


@router.get(
    "/{customer}/contacts",
    summary="A customer's contacts",
    response_model=CustomerContacts,
    responses=BY_ANY_NAME | DATED,
)
async def read_customer_contacts(
    asking: Asking, reader: Answering, customer: CustomerName, now: Now, at: At
) -> Response:
    """The contacts that are this customer, in the order of their keys."""
    return answer(await reader.contacts(asking.tenant, customer, now, at))


@router.get(
    "/{customer}/timeline",
    summary="What happened with a customer",
    response_model=TimelinePage,
    responses=PAGED | BY_ANY_NAME | DATED,
)
async def read_customer_timeline(
    asking: Asking, reader: Answering, customer: CustomerName, wanted: TimelinePageQuery, at: At
) -> Response:
    """Every event of all the customer's contacts, merged, newest first.

    It begins with the newest event, or around any other, and leads on to both sides.
    """
    return json_answer(await reader.customer_timeline(asking.tenant, customer, wanted, at))
