"""A tenant's settings over HTTP. Each appends one event that occurs now."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from services.ingress.core.attributes import AttributeRequest, validate_attribute
from services.ingress.core.quota import QuotaRequest, validate_quota
from services.ingress.handlers.identity import take_one
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Administrator,
    Body,
    Held,
    Serving,
    Wait,
    context_of,
)
from services.ingress.http.identity import EventReceipt, answer_event
from services.runtime.api import body_of, keyed_router, problem_responses
from services.runtime.problems import INVALID_REQUEST, Kind

NO_ATTRIBUTE: Final = Kind("no-attribute", "This is no definition of an attribute", 422)
NO_QUOTA: Final = Kind("no-quota", "This is no quota", 422)

router: Final[APIRouter] = keyed_router("/v1", "ingress")


@router.put(
    "/quota",
    summary="Set the quota",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_QUOTA, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": QuotaRequest}),
)
async def put_quota(
    ingress: Serving, principal: Administrator, lease: Held, body: Body, *, wait: Wait = False
) -> Response:
    """An event of now. Nothing is refused beyond the limit: what subscribed last is over quota, and not to be sent to.

    `202` means that Kafka, with acks=all, has it; send an `event_id` of your own to be able to repeat it.
    """
    outcome = await take_one("settings", validate_quota(body, context_of(principal)), ingress.log)
    return await answer_event(ingress, lease, outcome, NO_QUOTA, wait=wait)


@router.put(
    "/attributes",
    summary="Define a custom attribute",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_ATTRIBUTE, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": AttributeRequest}),
)
async def put_attribute(
    ingress: Serving, principal: Administrator, lease: Held, body: Body, *, wait: Wait = False
) -> Response:
    """An event of now. From some seconds later on, values of another type are refused where attributes are written.

    What is in the log stays as it came. To archive an attribute, send its definition with `archived`.
    """
    outcome = await take_one("settings", validate_attribute(body, context_of(principal)), ingress.log)
    return await answer_event(ingress, lease, outcome, NO_ATTRIBUTE, wait=wait)
