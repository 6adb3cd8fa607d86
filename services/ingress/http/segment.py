"""Segment's HTTP API, for its SDKs: on servers with basic auth, in browsers with the write key in the body.

A stock browser SDK whose ``cdnURL`` is this service gets its settings here, which make it send its messages here.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBasic
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.ingress.core.normalize import MalformedBody, lenient_json
from services.ingress.core.segment import (
    BATCHES,
    CALLS,
    MAX_BATCH_BYTES,
    MAX_MESSAGES,
    TooManyMessages,
    segment_batch,
    write_key_in,
)
from services.ingress.core.translated import Ignored
from services.ingress.core.web import MAX_MESSAGE_BYTES, Site
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.limits import Limits
from services.ingress.handlers.segment import take_messages
from services.ingress.http.admission import prove, spend, unproven_lease
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, read_body, unpacked
from services.ingress.http.context import BODY_PROBLEMS, log_problem, now
from services.ingress.http.cors import preflight, readable
from services.ingress.http.warnings import WarningAnswer, warning_fields
from services.ingress.ports import IdentityReads, Log, LogUnavailable, Sites, SourcesUnavailable
from services.runtime.api import Answer, Responses, body_of, open_router, path_parameter, problem_responses
from services.runtime.budget import Budget, BudgetLease
from services.runtime.metrics import INGRESS_WEBHOOKS
from services.runtime.peers import Peers
from services.runtime.problems import (
    INTERNAL,
    NOT_FOUND,
    TOO_FAST,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Kind,
    Problem,
    problem_response,
    unavailable,
)

UNUSABLE_MESSAGE: Final = Kind("unusable-message", "No message says what or whose it is", 400)
PATHS: Final = tuple(f"/v1/{name}" for name in (*CALLS, *BATCHES))
METRICS_PATH: Final = "/v1/m"
SETTINGS_PATH: Final = "/v1/projects/{write_key}/settings"
_JSON: Final = "application/json"
_SUCCESS: Final = b'{"success":true}'
_BASIC: Final = "basic "
_LONGEST_HEADER: Final = 512
# No scheme that a browser knows, or it would ask the visitor for a password.
_CHALLENGE: Final = {"WWW-Authenticate": 'WriteKey realm="onefold"'}
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_THIS_MACHINE: Final = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?", re.ASCII)
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
    limits: Limits
    identity: IdentityReads


_SUMMARIES: Final = {
    "identify": "Record who a visitor is: a user id is a login, traits are profile and attributes",
    "track": "Record what a visitor did",
    "page": "Record which page a visitor saw",
    "screen": "Record which screen of an app a visitor saw",
    "alias": "Record that the visitor `previousId` is the user `userId`",
    "group": "Record which group a visitor belongs to",
    "batch": "Record several messages at once",
    "import": "Record several messages at once, as Segment's older SDKs call it",
    "b": "Record several messages at once",
}
_TEXT: Final = (
    "As in Segment's HTTP API, so that its SDKs work when pointed here. `200` means that Kafka, with acks=all, has "
    "what the message tells; on `503` send the same again: a repeat with the same `messageId` is absorbed."
)
_BATCH_TEXT: Final = (
    f"{_TEXT} A batch has at most {MAX_MESSAGES} messages and {MAX_BATCH_BYTES} bytes; a message in it that is larger "
    f"than {MAX_MESSAGE_BYTES} bytes, or names nobody, is left out and listed in the answer."
)
_WRITE_KEY: Final = HTTPBasic(
    scheme_name="writeKey",
    auto_error=False,
    description="A website's write key as the user, without a password; or `writeKey` in the body.",
)


_WRITE_KEY_IN_PATH: Final = path_parameter("write_key", "The website's write key.")


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
# The rest of what a browser's SDK asks for.
extras: Final[APIRouter] = open_router("segment")
_TAKEN_OR_NOT: Final[Responses] = BODY_PROBLEMS | problem_responses(
    MALFORMED_BODY, CUT_OFF, UNUSABLE_MESSAGE, UNAUTHENTICATED, TOO_FAST, INTERNAL, UNAVAILABLE
)


def _taking(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def take(request: Request) -> Response:
        return await _counted(partial(_take, request, name))

    return take


for _name in (*CALLS, *BATCHES):
    calls.add_api_route(
        f"/v1/{_name}",
        _taking(_name),
        methods=["POST"],
        name=f"post_{_name}",
        summary=_SUMMARIES[CALLS.get(_name, _name)],
        description=_BATCH_TEXT if _name in BATCHES else _TEXT,
        response_model=SegmentTaken,
        responses=_TAKEN_OR_NOT,
        openapi_extra=body_of({_JSON: SegmentMessages if _name in BATCHES else SegmentMessage}),
        dependencies=[Depends(_WRITE_KEY)],
    )
for _path in (*PATHS, METRICS_PATH, SETTINGS_PATH):
    extras.add_api_route(
        _path,
        preflight,
        methods=["OPTIONS"],
        name=f"preflight_{_path.strip('/')}",
        summary="Let a script of any website send this",
        status_code=204,
        openapi_extra=_WRITE_KEY_IN_PATH if _path == SETTINGS_PATH else None,
    )


async def _counted(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        response, outcome = await answer(), "ok"
    except Problem as problem:
        response, outcome = problem_response(problem), problem.kind.slug
    INGRESS_WEBHOOKS.labels("web", outcome).inc()
    return readable(response)


async def _take(request: Request, name: str) -> Response:
    """200 once Kafka has acknowledged the messages' events."""
    intake: SegmentIntake = request.app.state.segment_intake
    header = request.headers.get("authorization")
    known = await _site(intake, _key_in(header)) if header else None
    with unproven_lease(request, intake.budget, intake.peers, known) as lease:
        body = await _parsed(request, name, lease)
        site = known or await _site(intake, write_key_in(body))
        prove(lease, site)
        spend(intake.limits, site)
        try:
            brought = segment_batch(name, body, now())
            taken = await take_messages(brought, site, intake.log, intake.dedup, intake.identity)
        except MalformedBody as error:
            raise Problem(MALFORMED_BODY, str(error)) from None
        except TooManyMessages as error:
            raise Problem(TOO_LARGE, str(error), limit=MAX_MESSAGES) from None
        except LogUnavailable as error:
            raise log_problem(error) from error
        if taken.ignored and len(taken.ignored) == len(brought.messages):
            raise _unusable(taken.ignored)
        warnings = await warning_fields(intake.identity, site.tenant, taken.stated, taken.warnings)
    return Response(_told(taken.ignored, warnings), media_type=_JSON)


async def _parsed(request: Request, name: str, lease: BudgetLease) -> Any:
    limit = MAX_BATCH_BYTES if name in BATCHES else MAX_MESSAGE_BYTES
    raw = await read_body(request, limit, lease)
    try:
        return lenient_json(unpacked(request, raw, limit, lease))
    except MalformedBody as error:
        raise Problem(MALFORMED_BODY, str(error)) from None


async def _site(intake: SegmentIntake, write_key: str | None) -> Site:
    try:
        site = await intake.sites.find(write_key) if write_key else None
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None:
        detail = "send a write key as the user of basic auth, or as writeKey in the body"
        raise Problem(UNAUTHENTICATED, detail if not write_key else "this write key is none", headers=_CHALLENGE)
    return site


def _key_in(authorization: str) -> str | None:
    """The write key: the user of basic auth, without a password."""
    if authorization[: len(_BASIC)].lower() != _BASIC or len(authorization) > _LONGEST_HEADER:
        return None
    try:
        return b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None


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


@extras.post(METRICS_PATH, summary="Take an SDK's own metrics, and drop them", response_model=SegmentTaken)
async def post_sdk_metrics(_: Request) -> Response:
    """What the browser's SDK tells of itself. Nobody here asks for it, and without an answer it complains aloud."""
    return readable(Response(_SUCCESS, media_type=_JSON))


@extras.get(
    SETTINGS_PATH,
    summary="What the browser's SDK asks before it begins, where its `cdnURL` is this service",
    response_model=dict[str, Any],
    responses=problem_responses(NOT_FOUND, INTERNAL, UNAVAILABLE),
    openapi_extra=_WRITE_KEY_IN_PATH,
)
async def get_segment_settings(request: Request) -> Response:
    """What the browser's SDK asks before it begins: nothing to load besides itself, and where to send."""
    try:
        response = await _settings(request)
    except Problem as problem:
        response = problem_response(problem)
    return readable(response)


async def _settings(request: Request) -> Response:
    intake: SegmentIntake = request.app.state.segment_intake
    write_key = request.path_params["write_key"]
    try:
        site = await intake.sites.find(write_key)
    except SourcesUnavailable as error:
        raise unavailable("PostgreSQL") from error
    if site is None or site.assurance == "stated":  # a server's key must not stand in a page
        raise Problem(NOT_FOUND, "there is no such public write key")
    settings = {
        "integrations": {"Segment.io": {"apiKey": write_key, **_where(request.headers.get("host", ""))}},
        "plan": {"track": {"__default": {"enabled": True}}, "identify": {"__default": {"enabled": True}}},
        "metrics": {"sampleRate": 0},
    }
    return Response(orjson.dumps(settings), headers={"Cache-Control": "private, max-age=60"}, media_type=_JSON)


def _where(host: str) -> dict[str, str]:
    """Where the SDK is to send: where it asked. By https, as every website can, except on one's own machine."""
    if not _HOST.fullmatch(host):
        return {}
    return {"apiHost": f"{host}/v1", "protocol": "http" if _THIS_MACHINE.fullmatch(host) else "https"}
