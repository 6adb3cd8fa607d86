"""Decisions of staff, and the identity policy, over HTTP. Each appends one event that occurs now."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from schemas.events.identity import StaffDecision
from services.ingress.core.decisions import DecisionRequest
from services.ingress.core.events import Accepted, EventResult, Rejected
from services.ingress.core.policies import PolicyRequest
from services.ingress.core.statements import Receipt
from services.ingress.handlers.identity import TwoMembers, take_decision, take_policy
from services.ingress.http.body import MALFORMED_BODY
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Administrator,
    Body,
    CustomerWriter,
    Held,
    Ingress,
    Serving,
    Wait,
    context_of,
    visible,
)
from services.runtime.api import Answer, ProblemDocument, body_of, keyed_router, problem_responses
from services.runtime.auditing import note_object
from services.runtime.budget import BudgetLease
from services.runtime.problems import INVALID_REQUEST, Kind, Problem

NO_DECISION: Final = Kind("no-decision", "This is no decision", 422)
TWO_MEMBERS: Final = Kind("two-members", "The contacts belong to two members", 409)
NO_POLICY: Final = Kind("no-policy", "This is no policy", 422)

router: Final[APIRouter] = keyed_router("/v1/identity", "identity")


class EventReceipt(Answer):
    """The event that is in the log; ``visible`` tells whoever waited whether readers see it."""

    event_id: str
    visible: bool | None = None


class SuggestedRequest(Answer):
    """A request that can be sent instead."""

    method: Literal["POST"]
    path: str = Field(examples=["/v1/members/M7/merge"])
    body: dict[str, str]


class TwoMembersProblem(ProblemDocument):
    """The problem with a decision that cannot make two members one, and the request that can."""

    member_ids: Annotated[list[str], Field(min_length=2, max_length=2)] = Field(
        description="The member ids of the customers of `a` and of `b`."
    )
    request: SuggestedRequest


@router.post(
    "/decisions",
    summary="Decide whether two contacts are one person",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS
    | problem_responses(TWO_MEMBERS, shape=TwoMembersProblem)
    | problem_responses(NO_DECISION, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": DecisionRequest}),
)
async def post_decision(
    ingress: Serving, principal: CustomerWriter, lease: Held, body: Body, *, wait: Wait = False
) -> Response:
    """An event of now: of several decisions about a pair the latest counts, and `undecided` takes either back.

    `202` means that Kafka, with acks=all, has it; send an `event_id` of your own to be able to repeat it. `409` means
    that the two contacts belong to customers with different member ids, which no decision makes one: merge the members.
    """
    outcome = await take_decision(body, context_of(principal), ingress.log, ingress.identity)
    if isinstance(outcome, TwoMembers):
        raise _two_members(outcome)
    if isinstance(outcome, Accepted) and isinstance(outcome.event.data, StaffDecision):
        note_object("contact", ingress.id_of(principal.tenant, outcome.event.data.other.key))
    return await answer_event(ingress, lease, outcome, NO_DECISION, wait=wait)


@router.put(
    "/policy",
    summary="Set the policy for identity resolution",
    status_code=202,
    response_model=EventReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_POLICY, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": PolicyRequest}),
)
async def put_policy(
    ingress: Serving, principal: Administrator, lease: Held, body: Body, *, wait: Wait = False
) -> Response:
    """An event of now; its id is the policy's version. Preview the policy first.

    It is adopted in the background: until that is done, everything is read by the policy before, and `GET` tells how
    far it is. `202` means that Kafka, with acks=all, has it; send an `event_id` of your own to be able to repeat it.
    """
    outcome = await take_policy(body, context_of(principal), ingress.log)
    return await answer_event(ingress, lease, outcome, NO_POLICY, wait=wait)


async def answer_event(
    ingress: Ingress, lease: BudgetLease, outcome: EventResult, refusal: Kind, *, wait: bool
) -> Response:
    """The receipt of an event that is in the log. Raises the problem of one that was refused."""
    if isinstance(outcome, Rejected):
        raise refused(outcome, refusal)
    receipt = Receipt.of(0, [outcome.event])
    seen = await visible(ingress, lease, outcome.event.tenant, [receipt], wait=wait)
    return EventReceipt(event_id=outcome.event.event_id, visible=seen).response(202)


def _two_members(found: TwoMembers) -> Problem:
    """The problem that says which request to send; the caller decides which of the two ids stays."""
    request = {
        "method": "POST",
        "path": f"/v1/members/{quote(found.of_a, safe='')}/merge",
        "body": {"into": found.of_b, "by": found.by},
    }
    detail = (
        "the two contacts belong to customers with different member ids, and one person has one member id: "
        "merge the members, either of them into the other"
    )
    return Problem(TWO_MEMBERS, detail, member_ids=[found.of_a, found.of_b], request=request)


def refused(outcome: Rejected, kind: Kind) -> Problem:
    """The problem with a body: 400 where it is no JSON, else of the kind."""
    if outcome.reason == "not_json" and not outcome.field:
        return Problem(MALFORMED_BODY, outcome.detail)
    field: dict[str, Any] = {"field": outcome.field} if outcome.field else {}
    return Problem(kind, outcome.detail, reason=outcome.reason, **field)
