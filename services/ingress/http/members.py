"""``PUT /v1/members``: what a CRM knows of its members, one or many."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from schemas.codec import InvalidEvent
from services.ingress.core.events import Rejected, RequestContext, Unreadable, parse
from services.ingress.core.members import DEFAULT_ACCOUNT, Terms
from services.ingress.core.statements import Receipt
from services.ingress.handlers.record_members import receipts_of, take_member, take_members
from services.ingress.http.body import MALFORMED_BODY
from services.ingress.http.context import Ingress, body_of, idempotency_key, log_problem, now, taken
from services.ingress.ports import LogUnavailable
from services.runtime.http import EncodedRawRoute, RawRoute
from services.runtime.problems import TOO_LARGE, Kind, Problem, document

NO_MEMBER: Final = Kind("no-member", "This is no member record", 422)
NO_ACCEPTABLE_MEMBER: Final = Kind("no-acceptable-member", "None of the records is acceptable", 422)
_SCOPE: Final = "events:write"


def member_routes() -> list[RawRoute]:
    """The routes of members."""
    return [
        RawRoute("/v1/members", put_members, methods=["PUT"]),
        EncodedRawRoute("/v1/members/{member_id:path}", put_member, methods=["PUT"]),
    ]


async def put_member(request: Request) -> Response:
    """One member's record; 202 once Kafka has acknowledged its events."""
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), _SCOPE)
    terms = _terms(request, request.path_params["member_id"])
    with ingress.budget.lease() as lease:
        said = _json(await body_of(request, ingress, lease))
        try:
            outcome = await take_member(said, _facts(principal.tenant), terms, ingress.log)
        except LogUnavailable as error:
            raise log_problem(error) from error
    if isinstance(outcome, Rejected):
        raise Problem(NO_MEMBER, outcome.detail, **_why(outcome))
    return await taken(request, ingress, principal.tenant, [outcome], event_ids=outcome.event_ids)


async def put_members(request: Request) -> Response:
    """Many records, each with a result of its own."""
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), _SCOPE)
    terms, context, most = _terms(request, None), _facts(principal.tenant), ingress.settings.batch_limit
    content_type = request.headers.get("content-type", "")
    with ingress.budget.lease() as lease:
        body = await body_of(request, ingress, lease)
        try:
            outcomes = await take_members(body, content_type, context, terms, most, ingress.log)
        except LogUnavailable as error:
            raise log_problem(error) from error
    if isinstance(outcomes, Unreadable):
        kind = TOO_LARGE if outcomes.reason == "too_many" else MALFORMED_BODY
        raise Problem(kind, outcomes.detail, reason=outcomes.reason)
    stated = receipts_of(outcomes)
    said: dict[str, Any] = {
        "accepted": len(stated),
        "rejected": len(outcomes) - len(stated),
        "results": [_result(outcome) for outcome in outcomes],
    }
    if outcomes and not stated:
        raise Problem(NO_ACCEPTABLE_MEMBER, **said)
    return await taken(request, ingress, principal.tenant, stated, **said)


def _terms(request: Request, member_id: str | None) -> Terms:
    return Terms(request.query_params.get("account") or DEFAULT_ACCOUNT, idempotency_key(request), member_id)


def _facts(tenant: str) -> RequestContext:
    return RequestContext(tenant, now(), may_set_tenant=False)


def _json(raw: bytes) -> Any:
    """What the body says; an empty one says no more than that there is such a member. Raises a 400 problem."""
    try:
        return parse(raw) if raw.strip() else {}
    except InvalidEvent as error:
        raise Problem(MALFORMED_BODY, error.detail) from None


def _result(outcome: Receipt | Rejected) -> dict[str, Any]:
    if isinstance(outcome, Receipt):
        return {"index": outcome.index, "status": "accepted", "event_ids": outcome.event_ids}
    problem = document(NO_MEMBER, outcome.detail, **_why(outcome))
    return {"index": outcome.index, "status": "rejected", "problem": problem}


def _why(outcome: Rejected) -> dict[str, Any]:
    return {"reason": outcome.reason} | ({"field": outcome.field} if outcome.field else {})
