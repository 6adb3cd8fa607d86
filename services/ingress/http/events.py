"""``POST /v1/events``: canonical events of every other producer. A hot route, which reads the request itself."""

import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import orjson
from fastapi import Depends, Request
from pydantic import NonNegativeInt
from starlette.responses import Response

from schemas.export import EVENT_NAMES, UNKNOWN, Document, asyncapi
from services.ingress.core.events import TOO_MUCH, Accepted, EventResult, Unreadable
from services.ingress.core.shares import proven
from services.ingress.core.stated_values import values_in
from services.ingress.handlers.events import take_events
from services.ingress.http.body import MALFORMED_BODY, read_body, unpacked
from services.ingress.http.context import BODY_PROBLEMS, Ingress, checked_context, log_problem, require
from services.ingress.http.warnings import WarningAnswer, warning_fields
from services.ingress.ports import LogUnavailable
from services.runtime.api import (
    Answer,
    ProblemDocument,
    body_of,
    keyed_router,
    problem_responses,
)
from services.runtime.problems import (
    FORBIDDEN,
    INTERNAL,
    INVALID_REQUEST,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    Problem,
    document,
)

NO_ACCEPTABLE_EVENT: Final = Kind("no-acceptable-event", "None of the events is acceptable", 422)
_REFERENCE: Final = re.compile(r'"#/components/schemas/([^"]+)"')
_REJECTED_EVENT: Final = "rejected-event"
_SET_BY_INGRESS: Final = frozenset({"event_id", "tenant", "received_at", "source", "schema_version"})


class AcceptedEvent(Answer):
    """An event that is in the log."""

    index: NonNegativeInt
    status: Literal["accepted"]
    event_id: str


class RejectedItem(Answer):
    """Why an item of a body was refused."""

    index: NonNegativeInt
    status: Literal["rejected"]
    problem: ProblemDocument


class EventsResult(WarningAnswer):
    """What became of each event, in the order sent."""

    accepted: NonNegativeInt
    rejected: NonNegativeInt
    results: list[AcceptedEvent | RejectedItem]


class NoAcceptableEvent(ProblemDocument, EventsResult):
    """The problem with every event of a body."""


def _event_schema() -> Document:
    """Any event, as a producer has to send it: what ingress sets may be left out."""
    names = (*EVENT_NAMES.values(), UNKNOWN)
    schemas = asyncapi("")["components"]["schemas"]
    text = orjson.dumps(schemas).decode()
    for name in schemas.keys() - set(names):  # the read API has schemas of such names, too
        text = text.replace(f'"{name}":', f'"Event.{name}":').replace(f'schemas/{name}"', f'schemas/Event.{name}"')
        text = text.replace(f'"title":"{name}"', f'"title":"Event.{name}"')
    schemas = _reachable(orjson.loads(text), names)
    for name in names:
        required = [field for field in schemas[name]["required"] if field not in _SET_BY_INGRESS]
        schemas[name] = schemas[name] | {"required": required}
    any_event = {
        "description": "Any event: one of the known types, or one that is kept without being understood.",
        "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names],
    }
    event = {"$ref": "#/components/schemas/Event"}
    return {"oneOf": [event, {"type": "array", "items": event}], "$defs": schemas | {"Event": any_event}}


def _reachable(schemas: Document, names: Iterable[str]) -> Document:
    """The schemas of these names, and those that they refer to."""
    found: Document = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schemas[name]
            waiting += _REFERENCE.findall(orjson.dumps(schemas[name]).decode())
    return found


router = keyed_router("/v1", "ingress")
# The events themselves are in the log, and this route is reached past the audit.
_WRITING: Final = require("events:write", recorded=False)


@router.post(
    "/events",
    summary="Append canonical events to the log",
    status_code=202,
    dependencies=[Depends(_WRITING)],  # described so; the endpoint checks the key, since it is called directly
    response_model=EventsResult,
    responses=problem_responses(UNAUTHENTICATED, FORBIDDEN, INTERNAL, UNAVAILABLE)
    | BODY_PROBLEMS
    | problem_responses(NO_ACCEPTABLE_EVENT, INVALID_REQUEST, shape=NoAcceptableEvent | ProblemDocument),
    openapi_extra=body_of(
        {"application/json": _event_schema(), "application/x-ndjson": {"type": "string", "description": "One a line."}}
    ),
)
async def post_events(request: Request) -> Response:
    """One event, an array of them, or one a line, plain or packed by gzip. Each is validated alone.

    `202` means that Kafka, with acks=all, has every accepted one; on `503` send the same again: an event that is in
    the log already is absorbed. `tenant` is the key's, `received_at` is now, `event_id` is made of the content where it
    is left out; an `occurred_at` more than five minutes ahead is taken to be now. A value of an identifier that is no
    evidence is taken all the same, and listed in `warnings`.
    """
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.admit(request, _WRITING.access)
    settings = ingress.settings
    with ingress.budget.lease(*proven(principal.tenant)) as lease:
        raw = await read_body(request, settings.body_limit, lease)
        body = unpacked(request, raw, settings.body_limit, lease)
        content_type = request.headers.get("content-type", "")
        try:
            context = await checked_context(ingress, principal)
            outcomes = await take_events(body, content_type, context, settings.batch_limit, ingress.log)
        except LogUnavailable as error:
            raise log_problem(error) from error
        if isinstance(outcomes, Unreadable):
            kind = TOO_LARGE if outcomes.reason in TOO_MUCH else MALFORMED_BODY
            raise Problem(kind, outcomes.detail, reason=outcomes.reason)
        stated = values_in(outcome.event for outcome in outcomes if isinstance(outcome, Accepted))
        warnings = await warning_fields(ingress.identity, principal.tenant, stated)
    return _response(outcomes, warnings)


def _response(outcomes: list[EventResult], warnings: dict[str, Any]) -> Response:
    results = [_result(outcome) for outcome in outcomes]
    accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes)
    counts: dict[str, Any] = {"accepted": accepted, "rejected": len(results) - accepted, "results": results}
    if results and not accepted:
        raise Problem(NO_ACCEPTABLE_EVENT, results[0]["problem"]["detail"] if len(results) == 1 else None, **counts)
    return Response(orjson.dumps(counts | warnings), 202, media_type="application/json")


def _result(outcome: EventResult) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        return {"index": outcome.index, "event_id": outcome.event.event_id, "status": "accepted"}
    kind = Kind(_REJECTED_EVENT, _TITLES.get(outcome.reason, "The event does not fit its description"), 422)
    field = {"field": outcome.field} if outcome.field else {}
    problem = document(kind, outcome.detail, reason=outcome.reason, **field)
    return {"index": outcome.index, "status": "rejected", "problem": problem}


_TITLES: Final = {
    "invalid_time": "The time is not one",
    "nul_character": "Text can't hold NUL characters",
    "not_an_object": "An event is a JSON object",
    "not_json": "Malformed JSON",
    "no_policy": "This is no policy",
    "too_deep": "The event is nested too deep",
    "too_large": "The event is too large",
    "too_many_values": "The event holds too many values",
    "wrong_tenant": "The event is another tenant's",
    "future_version": "The event is of a newer version than this service",
}
