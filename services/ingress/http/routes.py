"""The routes of ingress, raw on purpose: at thousands of webhooks a second, every layer between shows."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from services.ingress.core.events import Accepted, EventResult, RequestContext, Unreadable
from services.ingress.core.statements import Receipt
from services.ingress.handlers.webhooks import take_decision, take_events, take_policy
from services.ingress.http.body import MALFORMED_BODY, read_body, unpacked
from services.ingress.http.campaigns import campaign_routes
from services.ingress.http.contact_commands import contact_command_routes
from services.ingress.http.context import Ingress, log_problem, now, taken
from services.ingress.http.members import member_routes
from services.ingress.http.segment import segment_routes
from services.ingress.http.webhooks import webhook_routes
from services.ingress.ports import Log, LogUnavailable
from services.runtime.http import RawRoute
from services.runtime.problems import TOO_LARGE, Kind, Problem, document

NO_ACCEPTABLE_EVENT: Final = Kind("no-acceptable-event", "None of the events is acceptable", 422)
NO_DECISION: Final = Kind("no-decision", "This is no decision", 422)
NO_POLICY: Final = Kind("no-policy", "This is no policy", 422)
REJECTED_EVENT: Final = "rejected-event"
Taker = Callable[[bytes, RequestContext, Log], Awaitable[EventResult]]
_JSON: Final = "application/json"


def ingress_routes() -> list[RawRoute]:
    """The routes; the app keeps its ``Ingress`` in its state."""
    return [
        RawRoute("/v1/events", post_events, methods=["POST"]),
        RawRoute("/v1/identity/decisions", post_decision, methods=["POST"]),
        RawRoute("/v1/identity/policy", put_policy, methods=["PUT"]),
        *webhook_routes(),
        *member_routes(),
        *contact_command_routes(),
        *campaign_routes(),
        *segment_routes(),
    ]


async def post_events(request: Request) -> Response:
    """Canonical events; 202 once Kafka has acknowledged every accepted one."""
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), "events:write")
    settings = ingress.settings
    with ingress.budget.lease() as lease:
        raw = await read_body(request, settings.body_limit, lease)
        body = unpacked(request, raw, settings.body_limit, lease)
        context = RequestContext(principal.tenant, now(), may_set_tenant="admin" in principal.scopes)
        try:
            outcomes = await take_events(
                body, request.headers.get("content-type", ""), context, settings.batch_limit, ingress.log
            )
        except LogUnavailable as error:
            raise log_problem(error) from error
    return _events_response(outcomes)


async def post_decision(request: Request) -> Response:
    """What staff decide of two contacts; 202 once Kafka has acknowledged it."""
    return await _take_one(request, "customers:write", take_decision, NO_DECISION)


async def put_policy(request: Request) -> Response:
    """The tenant's policy for identity resolution; 202 once Kafka has acknowledged it."""
    return await _take_one(request, "admin", take_policy, NO_POLICY)


async def _take_one(request: Request, scope: str, take: Taker, refusal: Kind) -> Response:
    """A body that is one event of now: its id, or why it is none."""
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), scope)
    context = RequestContext(principal.tenant, now(), may_set_tenant="admin" in principal.scopes)
    with ingress.budget.lease() as lease:
        raw = await read_body(request, ingress.settings.body_limit, lease)
        body = unpacked(request, raw, ingress.settings.body_limit, lease)
        try:
            outcome = await take(body, context, ingress.log)
        except LogUnavailable as error:
            raise log_problem(error) from error
    if isinstance(outcome, Accepted):
        stated = [Receipt.of(0, [outcome.event])]
        return await taken(request, ingress, principal.tenant, stated, event_id=outcome.event.event_id)
    if outcome.reason == "not_json":
        raise Problem(MALFORMED_BODY, outcome.detail)
    field: dict[str, Any] = {"field": outcome.field} if outcome.field else {}
    raise Problem(refusal, outcome.detail, reason=outcome.reason, **field)


def _events_response(outcomes: list[EventResult] | Unreadable) -> Response:
    if isinstance(outcomes, Unreadable):
        kind = TOO_LARGE if outcomes.reason == "too_many" else MALFORMED_BODY
        raise Problem(kind, outcomes.detail, reason=outcomes.reason)
    results = [_result(outcome) for outcome in outcomes]
    accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes)
    counts: dict[str, Any] = {"accepted": accepted, "rejected": len(results) - accepted, "results": results}
    if results and not accepted:
        raise Problem(NO_ACCEPTABLE_EVENT, results[0]["problem"]["detail"] if len(results) == 1 else None, **counts)
    return Response(orjson.dumps(counts), 202, media_type=_JSON)


def _result(outcome: EventResult) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        return {"index": outcome.index, "event_id": outcome.event.event_id, "status": "accepted"}
    kind = Kind(REJECTED_EVENT, _TITLES.get(outcome.reason, "The event does not fit its description"), 422)
    field = {"field": outcome.field} if outcome.field else {}
    problem = document(kind, outcome.detail, reason=outcome.reason, **field)
    return {"index": outcome.index, "status": "rejected", "problem": problem}


_TITLES: Final = {
    "invalid_time": "The time is not one",
    "nul_character": "Text can't hold NUL characters",
    "not_an_object": "An event is a JSON object",
    "not_json": "Malformed JSON",
    "too_deep": "The event is nested too deep",
    "too_large": "The event is too large",
    "wrong_tenant": "The event is another tenant's",
    "future_version": "The event is of a newer version than this service",
}
