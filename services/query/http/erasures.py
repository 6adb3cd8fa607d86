"""Erasing people over HTTP: whom it would erase, having it done by a worker, and the receipts."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from services.query.core.erasure_models import ErasurePage, ErasurePreview, ErasureStart, ErasureView
from services.query.handlers.erasures import ErasureRequests
from services.query.http.parameters import ContactInPath, CustomerName, Erasing
from services.query.http.responses import BY_ANY_NAME, ERASURE_STARTED, answer
from services.runtime.api import COMMON_PROBLEMS, keyed_router

router = keyed_router("/v1", "erasures")

_MOST: Final = 200


async def _erasures(request: Request) -> ErasureRequests:
    erasures: ErasureRequests = request.app.state.erasures
    return erasures


AllErasures = Annotated[ErasureRequests, Depends(_erasures)]
ErasureId = Annotated[UUID, Path(description="the erasure's id")]


@router.post(
    "/customers/{customer}/erase/preview",
    summary="Whom an erasure would erase",
    response_model=ErasurePreview,
    responses=BY_ANY_NAME,
)
async def preview_customer_erasure(asking: Erasing, erasures: AllErasures, customer: CustomerName) -> Response:
    """All contacts of the customer, and how many events they have. Nothing is done yet."""
    return answer(await erasures.preview(asking.tenant, customer))


@router.post(
    "/customers/{customer}/erase",
    status_code=202,
    summary="Erase a customer",
    response_model=ErasureView,
    responses=ERASURE_STARTED,
)
async def erase_customer(
    asking: Erasing, erasures: AllErasures, customer: CustomerName, wanted: ErasureStart
) -> Response:
    """Erase all contacts of the customer, for good. A worker does it; the receipt is at the erasure's id."""
    by = asking.key_name or asking.key_prefix
    return answer(await erasures.start(asking.tenant, customer, wanted, by), 202)


@router.post(
    "/contacts/{channel}/{account}/{uid:path}/erase/preview",
    summary="What an erasure of a contact would erase",
    response_model=ErasurePreview,
    responses=COMMON_PROBLEMS,
)
async def preview_contact_erasure(asking: Erasing, erasures: AllErasures, contact: ContactInPath) -> Response:
    """How many events the contact has. Nothing is done yet."""
    return answer(await erasures.preview(asking.tenant, contact))


@router.post(
    "/contacts/{channel}/{account}/{uid:path}/erase",
    status_code=202,
    summary="Erase a contact",
    response_model=ErasureView,
    responses=ERASURE_STARTED,
)
async def erase_contact(
    asking: Erasing, erasures: AllErasures, contact: ContactInPath, wanted: ErasureStart
) -> Response:
    """Erase one contact, for good; other contacts of the person stay. A worker does it."""
    by = asking.key_name or asking.key_prefix
    return answer(await erasures.start(asking.tenant, contact, wanted, by), 202)


@router.get("/erasures", summary="The erasures", response_model=ErasurePage, responses=COMMON_PROBLEMS)
async def list_erasures(
    asking: Erasing,
    erasures: AllErasures,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most erasures on the page")] = 50,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
) -> Response:
    """The tenant's erasures, the newest first; they are kept for good, and have no personal data."""
    return answer(await erasures.page(asking.tenant, limit, cursor))


@router.get("/erasures/{erasure}", summary="An erasure", response_model=ErasureView, responses=COMMON_PROBLEMS)
async def read_erasure(asking: Erasing, erasures: AllErasures, erasure: ErasureId) -> Response:
    """Whether it is done, and the signed receipt."""
    return answer(await erasures.erasure(asking.tenant, erasure))
