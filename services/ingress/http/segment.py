"""Segment's HTTP API, for its SDKs and RudderStack's: with basic auth, or with the write key in the body."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.ingress.core.json_values import MOST_VALUES
from services.ingress.core.normalize import MalformedBody, lenient_json
from services.ingress.core.segment import (
    BATCHES,
    CALLS,
    MAX_BATCH_BYTES,
    MAX_MESSAGES,
    MAX_UNPROVEN_BYTES,
    MAX_UNPROVEN_VALUES,
    BatchTooLarge,
    segment_batch,
    write_key_in,
)
from services.ingress.core.translated import Ignored
from services.ingress.core.web import MAX_MESSAGE_BYTES, Site
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.segment import TakenMessages, take_messages
from services.ingress.handlers.source_activity import SourceActivity
from services.ingress.http.admission import origin_of, prove, spend, unproven_lease
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, read_body, unpacked
from services.ingress.http.context import BODY_PROBLEMS, log_problem, now
from services.ingress.http.cors import add_preflight, readable
from services.ingress.http.site_keys import SERVER_KEY, WRITE_KEY, key_in_header, refuse_server_key, site_of
from services.ingress.http.warnings import WarningAnswer, warning_fields
from services.ingress.ports import IdentityReads, Log, LogUnavailable, Sites
from services.runtime.api import Answer, Responses, body_of, open_router, problem_responses
from services.runtime.budget import Budget, BudgetLease
from services.runtime.metrics import webhooks_by
from services.runtime.peers import Peers
from services.runtime.problems import (
    INTERNAL,
    TOO_FAST,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    Problem,
    problem_response,
)
from services.runtime.rate_limits import RateLimits

UNUSABLE_MESSAGE: Final = Kind("unusable-message", "No message says what or whose it is", 400)
JAVA_PATH: Final = "/v1/import/"  # as Segment's SDK for Java writes it
PATHS: Final = (*(f"/v1/{name}" for name in (*CALLS, *BATCHES)), JAVA_PATH)
_JSON: Final = "application/json"
_SUCCESS: Final = b'{"success":true}'
_DETAILS: Final = {
    "no_id": "a message has an anonymousId or a userId: a text that is not empty, not too long, and no placeholder",
    "unsigned": "its userId is not signed as the source asks, and it has no anonymousId",
    "not_an_object": "a message is a JSON object",
    "too_large": f"a message has at most {MAX_MESSAGE_BYTES} bytes",
}


@dataclass(frozen=True, slots=True)
class SegmentIntake:
    """What a website's request is answered with."""

    sites: Sites
    log: Log
    budget: Budget
    peers: Peers
    dedup: DailyDedup
    limits: RateLimits[str]
    identity: IdentityReads
    activity: SourceActivity


_SUMMARIES: Final = {
    "identify": "Record who a visitor is: a user id is a login, traits are profile and attributes",
    "track": "Record what a visitor did",
    "page": "Record which page a visitor saw",
    "screen": "Record which screen of an app a visitor saw",
    "alias": "Record that the visitor `previousId` is the user `userId`",
    "group": "Record which group a visitor belongs to",
    "merge": "Record that ids and identifiers are of one person, as RudderStack's API has it",
    "batch": "Record several messages at once",
    "import": "Record several messages at once, as Segment's older SDKs call it",
    "b": "Record several messages at once",
}
_TEXT: Final = (
    "As in Segment's HTTP API, so that its SDKs work when pointed here. `200` means that Kafka, with acks=all, has "
    "what the message tells; on `503` send the same again: a repeat with the same `messageId` is absorbed. "
    "Problems have `code` and `message` too, which SDKs read."
)
_BATCH_TEXT: Final = (
    f"{_TEXT} A batch has at most {MAX_MESSAGES} messages and {MAX_BATCH_BYTES} bytes ({MAX_UNPROVEN_BYTES} where "
    "the write key is in the body). "
    f"A message in it that is larger than {MAX_MESSAGE_BYTES} bytes, or names nobody, is left out and "
    "listed in the answer."
)


class MergeProperty(BaseModel):
    """One of the ids and identifiers that a `merge` says are of one person."""

    type: str = Field(description="`user_id`, `anonymous_id`, `email`, `phone`, or a type `x_…` of the tenant's own.")
    value: str


class SegmentMessage(BaseModel):
    """A message in Segment's words; it has an ``anonymousId``, a ``userId``, or both."""

    model_config = ConfigDict(extra="allow")

    type: str | None = Field(None, description="In a batch; elsewhere the path says it.")
    anonymousId: str | None = None
    userId: str | None = None
    messageId: str | None = Field(None, description="By which a repeat is known.")
    timestamp: datetime | None = None
    sentAt: datetime | None = Field(None, description="By the same clock, to set the time right.")
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    previousId: str | None = None
    groupId: str | None = None
    mergeProperties: list[MergeProperty] | None = None
    writeKey: str | None = None


class SegmentMessages(BaseModel):
    """Several messages, and what they share."""

    batch: Annotated[list[SegmentMessage], Field(max_length=MAX_MESSAGES)]
    sentAt: datetime | None = None
    context: dict[str, Any] | None = None
    writeKey: str | None = None


class IgnoredMessage(Answer):
    """A message of a batch that was left out."""

    index: Annotated[int, Field(ge=0)]
    reason: str


class SegmentTaken(WarningAnswer):
    """The messages are in the log, except for those that are ignored."""

    success: Literal[True]
    ignored: list[IgnoredMessage] | None = None


# Hot: the endpoints take the request alone.
calls: Final[APIRouter] = open_router("segment")
preflights: Final[APIRouter] = open_router("segment")
TAKEN_OR_NOT: Final[Responses] = BODY_PROBLEMS | problem_responses(
    MALFORMED_BODY, CUT_OFF, UNUSABLE_MESSAGE, UNAUTHENTICATED, SERVER_KEY, TOO_FAST, INTERNAL, UNAVAILABLE
)


def _taking(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        return await take(request, name, key_in_header(request))

    return receive


def _add_call(path: str, call: str, operation: str) -> None:
    calls.add_api_route(
        path,
        _taking(call),
        methods=["POST"],
        name=f"post_{operation}",
        summary=_SUMMARIES[CALLS.get(call, call)],
        description=_BATCH_TEXT if call in BATCHES else _TEXT,
        response_model=SegmentTaken,
        responses=TAKEN_OR_NOT,
        openapi_extra=body_of({_JSON: SegmentMessages if call in BATCHES else SegmentMessage}),
        dependencies=[Depends(WRITE_KEY)],
    )


for _name in (*CALLS, *BATCHES):
    _add_call(f"/v1/{_name}", _name, _name)
_add_call(JAVA_PATH, "import", "import_slash")
for _path in PATHS:
    add_preflight(preflights, _path)


async def take(request: Request, name: str, write_key: str | None) -> Response:
    """The answer to a call of that name; ``write_key`` is None where the body has it.

    200 once Kafka has acknowledged the messages' events, else a problem document. SDKs read ``code`` and ``message``
    of it: RudderStack's for Python sends again for minutes what is refused without them.
    """
    try:
        response, outcome = await _take(request, name, write_key), "ok"
    except Problem as problem:
        words = {"code": problem.kind.slug, "message": problem.detail or problem.kind.title}
        told = Problem(problem.kind, problem.detail, headers=problem.headers, **problem.fields, **words)
        response, outcome = problem_response(told), problem.kind.slug
    webhooks_by("web", outcome).inc()
    return readable(response)


async def _take(request: Request, name: str, write_key: str | None) -> Response:
    intake: SegmentIntake = request.app.state.segment_intake
    known = await _site(request, intake, write_key) if write_key is not None else None
    with unproven_lease(request, intake.budget, intake.peers, known) as lease:
        most = MOST_VALUES if known else MAX_UNPROVEN_VALUES
        body = await _parsed(request, _limit(name, proven=known is not None), most, lease)
        site = known or await _site(request, intake, write_key_in(body))
        prove(lease, site)
        return Response(_told(*await _appended(intake, site, name, body)), media_type=_JSON)


async def take_message(request: Request, name: str, write_key: str | None, message: dict[str, Any]) -> None:
    """Take one message that the request has elsewhere than in a body. Raises Problem."""
    intake: SegmentIntake = request.app.state.segment_intake
    site = await site_of(intake.sites, write_key)
    refuse_server_key(site)  # whoever sees the URL can read it
    if len(orjson.dumps(message)) > MAX_MESSAGE_BYTES:
        raise Problem(TOO_LARGE, _DETAILS["too_large"], limit=MAX_MESSAGE_BYTES)
    await _appended(intake, site, name, message)


async def _appended(intake: SegmentIntake, site: Site, name: str, body: Any) -> tuple[list[Ignored], dict[str, Any]]:
    """Append what the body says; returns the messages that are left out, and the warnings."""
    try:
        taken = await _taken(intake, site, name, body)
    except Problem as problem:
        if problem.kind is not UNAVAILABLE:
            intake.activity.refused(origin_of(site))
        raise
    intake.activity.accepted(origin_of(site))
    if any(one.reason == "unsigned" for one in taken.ignored):
        intake.activity.unproven(origin_of(site))
    return taken.ignored, await warning_fields(intake.identity, site.tenant, taken.stated, taken.warnings)


async def _taken(intake: SegmentIntake, site: Site, name: str, body: Any) -> TakenMessages:
    spend(intake.limits, site)
    try:
        brought = segment_batch(name, body, now())
        taken = await take_messages(brought, site, intake.log, intake.dedup, intake.identity)
    except MalformedBody as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except BatchTooLarge as error:
        raise Problem(TOO_LARGE, str(error), limit=error.limit) from None
    except LogUnavailable as error:
        raise log_problem(error) from error
    if taken.ignored and len(taken.ignored) == len(brought.messages):
        raise _unusable(taken.ignored)
    return taken


async def _site(request: Request, intake: SegmentIntake, write_key: str | None) -> Site:
    """The website that sends; only browsers say of which origin a page is."""
    site = await site_of(intake.sites, write_key)
    if "origin" in request.headers:
        refuse_server_key(site)
    return site


def _limit(name: str, *, proven: bool) -> int:
    """How many bytes a body may have; fewer where the key, which proves the sender, stands in the body."""
    if name not in BATCHES:
        return MAX_MESSAGE_BYTES
    return MAX_BATCH_BYTES if proven else MAX_UNPROVEN_BYTES


async def _parsed(request: Request, limit: int, most_values: int, lease: BudgetLease) -> Any:
    raw = await read_body(request, limit, lease)
    try:
        return lenient_json(unpacked(request, raw, limit, lease), most_values)
    except MalformedBody as error:
        raise Problem(MALFORMED_BODY, str(error)) from None


def _unusable(ignored: list[Ignored]) -> Problem:
    first = ignored[0].reason
    kind = TOO_LARGE if first == "too_large" else UNUSABLE_MESSAGE
    return Problem(kind, _DETAILS.get(first), reason=first)


def _told(ignored: list[Ignored], warnings: dict[str, Any]) -> bytes:
    """Success, since what is left out would be no better if it were sent again; and which messages those are."""
    if not ignored and not warnings:
        return _SUCCESS
    left_out = {"ignored": [{"index": one.index, "reason": one.reason} for one in ignored]} if ignored else {}
    return orjson.dumps({"success": True, **left_out, **warnings})
