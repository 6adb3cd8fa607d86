"""``PUT /v1/members``: what a CRM knows of its members, one or many."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import NonNegativeInt
from starlette.responses import Response

from schemas.codec import InvalidEvent
from services.ingress.core.events import TOO_MUCH, Rejected, Unreadable, parse
from services.ingress.core.members import DEFAULT_ACCOUNT, Member, Terms
from services.ingress.core.statements import Receipt
from services.ingress.handlers.record_members import receipts_of, take_member, take_members
from services.ingress.http.body import MALFORMED_BODY
from services.ingress.http.contact_commands import EventsReceipt
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Body,
    EventWriter,
    Held,
    IdempotencyKey,
    ManyWriter,
    Serving,
    Wait,
    checked_context,
    visible,
    warned,
)
from services.ingress.http.events import RejectedItem
from services.ingress.http.warnings import WarningAnswer
from services.runtime.api import Answer, ProblemDocument, body_of, keyed_router, problem_responses
from services.runtime.problems import INVALID_REQUEST, TOO_LARGE, Kind, Problem, document

NO_MEMBER: Final = Kind("no-member", "This is no member record", 422)
NO_ACCEPTABLE_MEMBER: Final = Kind("no-acceptable-member", "None of the records is acceptable", 422)
AccountQuery = Annotated[str, Query(description="The CRM's name.")]

router: Final[APIRouter] = keyed_router("/v1/members", "members")


class AcceptedMember(Answer):
    """A record whose events are in the log."""

    index: NonNegativeInt
    status: Literal["accepted"]
    event_ids: list[str]


class MembersResult(WarningAnswer):
    """What became of each record, in the order sent; ``visible`` tells whoever waited whether readers see them."""

    accepted: NonNegativeInt
    rejected: NonNegativeInt
    results: list[AcceptedMember | RejectedItem]
    visible: bool | None = None


class NoAcceptableMember(ProblemDocument, MembersResult):
    """The problem with every record of a body."""


@router.put(
    "",
    summary="Record what a CRM knows of many members",
    status_code=202,
    response_model=MembersResult,
    responses=COMMAND_PROBLEMS
    | problem_responses(NO_ACCEPTABLE_MEMBER, INVALID_REQUEST, shape=ProblemDocument | NoAcceptableMember),
    openapi_extra=body_of(
        {
            "application/json": Member | list[Member],
            "application/x-ndjson": {"type": "string", "description": "One record a line."},
        }
    ),
)
async def put_members(
    request: Request,
    ingress: Serving,
    principal: ManyWriter,
    lease: Held,
    body: Body,
    *,
    account: AccountQuery = DEFAULT_ACCOUNT,
    key: IdempotencyKey = None,
    wait: Wait = False,
) -> Response:
    """As `PUT /v1/members/{member_id}`; each record is validated alone and has a result of its own."""
    content_type, most = request.headers.get("content-type", ""), ingress.settings.batch_limit
    terms = Terms(account or DEFAULT_ACCOUNT, key)
    context = await checked_context(ingress, principal)
    outcomes = await take_members(body, content_type, context, terms, most, ingress.log)
    if isinstance(outcomes, Unreadable):
        kind = TOO_LARGE if outcomes.reason in TOO_MUCH else MALFORMED_BODY
        raise Problem(kind, outcomes.detail, reason=outcomes.reason)
    receipts = receipts_of(outcomes)
    counts: dict[str, Any] = {"accepted": len(receipts), "rejected": len(outcomes) - len(receipts)}
    results = [_result(outcome) for outcome in outcomes]
    if outcomes and not receipts:
        raise Problem(NO_ACCEPTABLE_MEMBER, **counts, results=[one.model_dump(exclude_none=True) for one in results])
    seen = await visible(ingress, lease, principal.tenant, receipts, wait=wait)
    warnings = await warned(ingress, principal.tenant, receipts)
    return MembersResult(**counts, results=results, visible=seen, **warnings).response(202)


@router.put(
    "/{member_id:path}",
    summary="Record what a CRM knows of a member",
    status_code=202,
    response_model=EventsReceipt,
    responses=COMMAND_PROBLEMS | problem_responses(NO_MEMBER, INVALID_REQUEST),
    openapi_extra=body_of({"application/json": Member}, required=False),
)
async def put_member(
    ingress: Serving,
    principal: EventWriter,
    member_id: Annotated[str, Path(description="Percent-encoded: a slash is `%2F`.")],
    lease: Held,
    body: Body,
    *,
    account: AccountQuery = DEFAULT_ACCOUNT,
    key: IdempotencyKey = None,
    wait: Wait = False,
) -> Response:
    """What the CRM knows of a member now, as a contact `crm:account:member_id` whose member id is intrinsic.

    What is left out, null or empty says nothing, except that a null attribute is removed: to replace a phone, name the
    former one as `previous_phone`, or in `unbind`. `202` means that Kafka, with acks=all, has it; on `503` send the
    same again. The same content with the same `event_id`, else `Idempotency-Key`, else `updated_at` is absorbed.
    """
    terms = Terms(account or DEFAULT_ACCOUNT, key, member_id)
    outcome = await take_member(_json(body), await checked_context(ingress, principal), terms, ingress.log)
    if isinstance(outcome, Rejected):
        raise Problem(NO_MEMBER, outcome.detail, **_why(outcome))
    seen = await visible(ingress, lease, principal.tenant, [outcome], wait=wait)
    warnings = await warned(ingress, principal.tenant, [outcome])
    return EventsReceipt(event_ids=list(outcome.event_ids), visible=seen, **warnings).response(202)


def _json(raw: bytes) -> Any:
    """The parsed body; an empty one says no more than that there is such a member. Raises a 400 problem."""
    try:
        return parse(raw) if raw.strip() else {}
    except InvalidEvent as error:
        raise Problem(MALFORMED_BODY, error.detail) from None


def _result(outcome: Receipt | Rejected) -> AcceptedMember | RejectedItem:
    if isinstance(outcome, Receipt):
        return AcceptedMember(index=outcome.index, status="accepted", event_ids=list(outcome.event_ids))
    problem = ProblemDocument(**document(NO_MEMBER, outcome.detail, **_why(outcome)))
    return RejectedItem(index=outcome.index, status="rejected", problem=problem)


def _why(outcome: Rejected) -> dict[str, Any]:
    return {"reason": outcome.reason} | ({"field": outcome.field} if outcome.field else {})
